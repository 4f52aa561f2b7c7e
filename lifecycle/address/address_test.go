package address_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/lifecycle/address"
)

func TestIsPublic(t *testing.T) {
	for text, public := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "64:ff9b::8.8.8.8": true, "::ffff:0:8.8.8.8": true,
		"::ffff:0:127.0.0.1": false, "::ffff:0:10.0.0.1": false, "fec0::1": false, "64:ff9b:1::8.8.8.8": false,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": false, "::": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "192.0.0.8": false, "198.18.0.1": false, "203.0.113.9": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false,
		"2002:7f00:1::": false, "2002:a9fe:a9fe::1": false, "64:ff9b::127.0.0.1": false, "64:ff9b::169.254.169.254": false, "2001:db8::1": false, "2001::1": false, "fd00:ec2::254": false,
	} {
		assert.Equal(t, public, address.IsPublic(netip.MustParseAddr(text)), text)
	}
}

func TestControl(t *testing.T) {
	for to, public := range map[string]bool{
		"8.8.8.8:443": true, "[2606:4700::1111]:443": true, "127.0.0.1:443": false, "[::ffff:127.0.0.1]:443": false, "[fe80::1%eth0]:443": false, "localhost:443": false, "": false,
	} {
		err := address.Control("tcp", to, nil)
		if public {
			assert.NoError(t, err, to)
		} else {
			assert.ErrorIs(t, err, address.ErrNotPublic, to)
		}
	}
}
