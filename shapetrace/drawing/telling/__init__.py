"""The story of a pass: scenes from ids to the next word, each one line, the words of the text on their rows."""
