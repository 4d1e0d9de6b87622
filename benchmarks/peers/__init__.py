"""The peers that the end-to-end benchmark compares AIT with."""
