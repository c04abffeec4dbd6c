"""The web edge: app factory, sessions and permissions, headers, templates, errors, assets."""
