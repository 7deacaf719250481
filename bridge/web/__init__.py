"""What Hearth answers over HTTP; never anything that needs a browser's trust, and never a word of anybody's."""
