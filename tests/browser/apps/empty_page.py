"""The page of an app of which only a route is asked."""
