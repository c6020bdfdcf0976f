"""The footer of a figure: whole whatever the width, and no cause for change where it fits."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from tickets.figures.style import figure_files, house_style

LONG = "Figure 7, preset x: a tiny model on a synthetic language; absolute scores do not compare with published ones"


def pixels(width: float, footer: str) -> np.ndarray:
    with house_style():
        figure = Figure(figsize=(width, 1.5), layout="constrained")
        figure.subplots().set_ylabel("score")
        return plt.imread(io.BytesIO(figure_files(figure, footer)["png"]))


@pytest.mark.parametrize("width", [2.0, 4.0, 5.9, 6.05, 8.0])
def test_no_footer_is_cut(width):
    image = pixels(width, LONG)
    assert (image[:, -5:, :3] == 1).all()  # a cut word would reach the edge
    assert image.shape[1] <= 144 * (width + 0.4)


def test_a_footer_that_fits_is_one_line():
    assert pixels(8.0, LONG).shape == pixels(8.0, "Short").shape
    assert pixels(4.0, LONG).shape[0] > pixels(4.0, "Short").shape[0]
