"""The screen: pages, figures, components and the routes that serve them."""
