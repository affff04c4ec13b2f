"""Two runs of one city held against each other (`runs`): figures, land, parks and candidates, before and after."""
