"""Widths of glyphs in thousandths of the font size: an upper bound for the usual system fonts.

ASCII was measured in Chromium on DejaVu Sans and Liberation Sans (the metrics of Arial), the wider of
the two taken: DejaVu is wider than San Francisco, Segoe UI and Roboto in nearly every letter.
Everything else is a bound for its Unicode block.
"""

_REGULAR = """
318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 636 636 337 337 838
838 838 556 1015 684 686 722 770 667 611 778 752 295 500 667 557 863 748 787 667 787 722 667 611 732 684 989 685 667
685 390 337 390 838 556 500 613 635 550 635 615 352 635 634 278 278 579 278 974 634 612 635 635 411 521 392 634 592
818 592 592 525 636 337 636 838
"""

_BOLD = """
348 456 521 838 696 1002 872 306 457 457 523 838 380 415 380 365 696 696 696 696 696 696 696 696 696 696 400 400 838
838 838 611 1000 774 762 734 830 683 683 821 837 372 556 775 637 995 837 850 733 850 770 720 682 812 774 1103 771 724
725 457 365 457 838 556 500 675 716 593 716 678 435 716 712 343 343 665 343 1042 712 687 716 716 493 595 478 712 652
924 645 652 582 712 365 712 838
"""

FIRST = 32
"""The code point of the first width in the tables."""

REGULAR: tuple[int, ...] = tuple(map(int, _REGULAR.split()))
BOLD: tuple[int, ...] = tuple(map(int, _BOLD.split()))

MONO = 602
"""Every glyph of DejaVu Sans Mono and of Menlo; the other monospaced faces are narrower."""

BLOCKS: tuple[tuple[int, int, int], ...] = (  # first, last, width
    (0x00A0, 0x00FF, 840),
    (0x0100, 0x024F, 1170),
    (0x0370, 0x03FF, 950),
    (0x0400, 0x04FF, 1100),
    (0x0590, 0x05FF, 810),
    (0x0600, 0x06FF, 1380),
    (0x1D2C, 0x1D6A, 715),
    (0x2010, 0x2027, 1000),
    (0x2032, 0x203A, 700),
    (0x2070, 0x209C, 750),
    (0x2190, 0x21FF, 1000),
    (0x2200, 0x22FF, 850),
    (0xFB50, 0xFDFF, 2500),
    (0x1F000, 0x1FAFF, 1650),
)

WIDE = 1010
"""Chinese, Japanese and Korean: one em."""

OTHER = 1400
"""A script that none of the blocks covers."""
