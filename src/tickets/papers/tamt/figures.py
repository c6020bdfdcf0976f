"""The paper's figures; each takes (ours, published, facts) and returns the figure with the frame of what it shows.

Points are means over runs (mask seeds x fine-tuning seeds), bands and bars one standard deviation over them.
"""

from tickets.papers.tamt.costs import fig6 as fig6
from tickets.papers.tamt.costs import fig7 as fig7
from tickets.papers.tamt.costs import fig14 as fig14
from tickets.papers.tamt.costs import fig15 as fig15
from tickets.papers.tamt.costs import fig16 as fig16
from tickets.papers.tamt.curves import fig1 as fig1
from tickets.papers.tamt.curves import fig3 as fig3
from tickets.papers.tamt.curves import fig4 as fig4
from tickets.papers.tamt.curves import fig10 as fig10
from tickets.papers.tamt.curves import fig11 as fig11
from tickets.papers.tamt.distances import fig8 as fig8
from tickets.papers.tamt.distances import fig17 as fig17
from tickets.papers.tamt.few_data import fig9 as fig9
from tickets.papers.tamt.scatters import fig5 as fig5
from tickets.papers.tamt.scatters import fig12 as fig12
from tickets.papers.tamt.scatters import fig13 as fig13
