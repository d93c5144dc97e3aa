"""Make Mainstay a service of this machine: units for systemd, a user, and the folder of its memory."""
