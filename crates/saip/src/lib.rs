//! TCA profile packages: profile elements, templates, building and validation.
