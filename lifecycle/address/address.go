// Package address keeps requests to addresses that a customer's administrator has given, such as those of webhooks and of key sets, out of
// the product's own network. Its functions are safe for concurrent use.
package address

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrNotPublic says that a host has an address that is not one of the open internet. Control returns it.
var ErrNotPublic = errors.New("the host has an address that is not public")

// closed are the networks that nothing is sent to (the special-purpose registries of RFC 6890), beside those that netip knows: what is
// in them belongs to the network of the sender, or to nobody.
var closed = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "fec0::/10", "5f00::/16")

// wrapped are networks of IPv6 that have an address of IPv4 in them, and at which byte: 6to4 (RFC 3056), NAT64 (RFC 6052), and addresses
// that are translated without a state (RFC 2765).
var wrapped = []struct {
	netip.Prefix
	at int
}{{netip.MustParsePrefix("2002::/16"), 2}, {netip.MustParsePrefix("64:ff9b::/96"), 12}, {netip.MustParsePrefix("::ffff:0:0:0/96"), 12}}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

// IsPublic says whether an address is one of the open internet. An address of IPv6 that leads to one of IPv4 is public if that one is.
func IsPublic(a netip.Addr) bool {
	a = a.Unmap()
	if a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return false
	}
	for _, w := range wrapped {
		if w.Contains(a) {
			b := a.As16()
			return IsPublic(netip.AddrFrom4([4]byte(b[w.at : w.at+4])))
		}
	}
	return !slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Control is for the field of that name of a [net.Dialer]: the dialer then connects to public addresses only. Control sees the address
// to which a name was resolved, so that no answer of a name server, early or late, leads elsewhere.
func Control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !IsPublic(to.Addr()) {
		return fmt.Errorf("%w: %s", ErrNotPublic, address)
	}
	return nil
}
