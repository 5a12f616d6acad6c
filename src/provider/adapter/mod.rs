//! The services, each as its wire format wants to be spoken to.
