"""What a backup is: stores, manifests, the catalogue, retention and repositories. It knows no kind."""
