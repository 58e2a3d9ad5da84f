"""What goes over the wire, one module a noun; nothing that is not named here gets in."""
