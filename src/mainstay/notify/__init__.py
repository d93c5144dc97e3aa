"""Notices: what people are told of maintenance, when, through which channels, at least once and in order.

`occasion` finds in an event what is to be told, `calendar` what only the clock shows; `render` words it, `outbox` keeps it
until it is delivered, `send` knows the ways, `deliver` does the work.
"""
