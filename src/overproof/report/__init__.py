"""From scores to something a person reads: one HTML file, results.json, a terminal table.

    from overproof.report.html import write_report
    from overproof.report.terminal import summary_table

Computes no statistic of its own: every number shown is a `Score` row.
"""
