"""The translations, one folder a language; `python -m bridge.locale` keeps them in step with the code. Nothing at run time imports this."""
