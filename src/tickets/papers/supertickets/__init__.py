"""Liang et al. 2021, Super Tickets in Pre-Trained Language Models. Where to find what:

What runs
    settings                the config section, with a switch for each disagreement of paper and code
    addresses, stages       every run by name; every stage with what it needs (start here)
    identity                what a run's numbers depend on
    trial                   full model -> importance -> tickets at eight levels; families, reruns, subsets, other rates
    multitask               MT-DNN and Ticket-Share (Algorithm 1)
    transfer                fine-tuning and domain adaptation of what multi-task learning and MNLI left
    lab, points, selection  one fine-tuning, judged on the way; which epoch and ticket each selection chooses
What is known of the runs
    cell_columns, importance_rows   this paper's columns of cells.csv; importance.csv
    cell_index, choice              runs by address; choosing one of several by its selection score
    ticket_evidence, evidence       our numbers, and the printed ones, behind the same questions
    gain, phases, shares            SuperT against ST-DNN and control X1; phases of a curve; ticket importance
    averages, terms, published      averages of the tables, metrics of a task, files of paper/supertickets/
What is claimed
    claims                  the predicates of paper/supertickets/claims.yaml, by subject:
                            claims_{gain,size,phases,sharing,spread,controls}
    judging                 direction before magnitude, three selections, the control beside a gain
What is drawn
    artifacts               every table and figure with its stages and caption
    tables, spreads         Tables 1 to 4, 7, 9; Tables 5, 6, 8
    figures                 Figures 1, 4, 5, 7 (curves), 3 (gains), 6 (pie_figure)
    extras                  tables of our own (controls, importance_table, sharing_tables)
    layout                  columns and headings that the tables share
Door to the workflow: paper.
"""
