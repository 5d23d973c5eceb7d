"""A run over many processes: on one machine, by Slurm arrays, on Ray, by anything that runs a line.

    overproof run demo --workers 8
    overproof scale submit demo --executor slurm --tasks 64 --partition gpu --time 4:00:00
    overproof scale rank runs/demo samples --rank 3 --of 64

A shared stage is a table of the run folder whose rows are made by several processes, its ranks.
What a rank does follows from (rank, world size) and the rows of the stages before; its rows go to a
file of its own, and whoever leads the run takes them over, in the order of a single process.

    deal       which batches a rank does
    tables     a table as a rank sees it, and as the lead sees it
    plan       what a rank has to know of the run
    stages     what a rank does in each stage
    crew       the lead, and processes on this machine
    variants   perturbed prompts in pieces
    cluster    the same through DataTrove: local, Slurm, Ray
    storage    rows to and from a folder, s3://, gs://
"""
