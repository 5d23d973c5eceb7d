"""Run folders as they lie on the disk: read, listed, shown; never written to.

    overproof ls
    overproof show runs/demo

The stages read their tables with `store.Table`, which mends a torn line. Here a run may be at work
on the folder, so nothing is mended and nothing is locked.
"""
