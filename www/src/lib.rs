//! The site's worker: static pages and the way to the two services behind them.
