//! Free ports of the loopback address, asked from the kernel.
//!
//! A port found here is free at that moment only: whoever starts a server on it must be ready to hear that
//! somebody was faster, and ask again.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// `N` different free ports.
///
/// # Errors
/// When the kernel has none left.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    // All are held until the last is known, or the kernel might name one twice.
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
        *port = listener.local_addr().context("reading the free port")?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Makes sure that nobody listens on the port, so that whoever answers there later is who we started.
///
/// # Errors
/// When the port is taken; the text holds the kernel's "Address already in use".
pub fn check_free(port: u16) -> Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map(drop)
        .with_context(|| format!("port {port} of 127.0.0.1 cannot be used"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn taken_port_is_told() {
        let [port] = super::free().unwrap();
        super::check_free(port).unwrap();
        let _held = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        let error = super::check_free(port).unwrap_err();
        assert!(format!("{error:#}").contains("Address already in use"), "{error:#}");
    }

    #[test]
    fn ports_differ() {
        let mut ports = super::free::<16>().unwrap().to_vec();
        ports.sort_unstable();
        ports.dedup();
        assert!(ports.len() == 16 && ports[0] > 0);
    }
}
