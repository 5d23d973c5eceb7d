"""The family `prompt`: what stands around the function.

framing      requests above it, and nothing at all
stories      a scene, a game, a constraint around the task
remarks      comments that distract, mislead, invite worse work
neighbours   another function beside it (family `combined`)
"""
