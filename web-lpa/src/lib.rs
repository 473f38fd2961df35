//! The LPA as a Leptos application, and the playground around it.
