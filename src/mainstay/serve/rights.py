"""Who may ask a service for what: users and groups of this machine, as the kernel names them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import get_args

from mainstay.model.errors import Refused
from mainstay.model.service import Right, Role
from mainstay.system.unix import Peer

RIGHTS: tuple[Right, ...] = get_args(Right)


def is_trusted(peer: Peer) -> bool:
    """Return whether somebody is root or the service's own user."""
    return peer.uid in (0, os.geteuid())


def require(right: Right, peer: Peer, access: Mapping[str, Role]) -> None:
    """Raise Refused unless somebody has a right. Root and the service's own user have all: the state folder is open to them."""
    if is_trusted(peer):
        return
    mine = {name: role for name, role in access.items() if peer.name in role.users or peer.groups & set(role.groups)}
    if any(right in role.may for role in mine.values()):
        return
    has = sorted({one for role in mine.values() for one in role.may})
    roles = (
        f"{', '.join(mine)} may {', '.join(has)} only" if mine else f"no role of `access:` names {peer.name} or a group of theirs"
    )
    raise Refused(f"you may not {right} here", on=peer.name, because=roles, next="ask whoever keeps the configuration")
