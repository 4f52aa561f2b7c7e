// Server is the reference server: a SCIM service on its own, to try an identity provider against.
//
//	go run ./examples/server -addr 127.0.0.1:8080 -token acme=SECRET
//
// It prints one line "ready http://ADDR/BASE" when it accepts connections, and stops cleanly on SIGTERM.
package main

import "github.com/rollcall-dev/rollcall/examples/boot"

func main() {
	boot.Main(boot.App{Name: "server"})
}
