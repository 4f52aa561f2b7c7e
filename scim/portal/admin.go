package portal

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Ability is something that an administrator may do.
type Ability string

// The abilities. Every administrator sees the overview, without anybody's name. Names are shown only to those who have See.
const (
	See     Ability = "see"     // people, groups, activity and safety
	Connect Ability = "connect" // set up, credentials, settings, going live, switching off
	People  Ability = "people"  // approve, reject, acquire, suspend, reactivate
	Safety  Ability = "safety"  // release and set brakes, protect people, pause
)

// Abilities are all of them.
func Abilities() []Ability { return []Ability{See, Connect, People, Safety} }

// Admin is an administrator of one tenant.
type Admin struct {
	Tenant    string
	Who       string // for the journal: such as a mail address
	Abilities []Ability
	Language  string         // such as de; "": as the browser says
	Zone      *time.Location // nil: Options.Zone
	Return    string         // where the product's own pages are; "" shows no way back
}

// ErrNobody says that nobody is signed in.
var ErrNobody = errors.New("portal: nobody is signed in")

func (a *Admin) can(what Ability) bool {
	return what == "" || slices.Contains(a.Abilities, what)
}

func (a *Admin) check() error {
	if a.Tenant == "" || a.Tenant == libraryTenant || len(a.Tenant) > 1_000 {
		return errors.New("portal: tenant: want the name of an organization, of at most 1000 bytes")
	}
	if len(a.Who) > 200 {
		return errors.New("portal: who: want at most 200 bytes")
	}
	if len(a.Abilities) == 0 {
		return fmt.Errorf("portal: abilities: want some of %v", Abilities())
	}
	for _, x := range a.Abilities {
		if !slices.Contains(Abilities(), x) {
			return fmt.Errorf("portal: abilities: there is no %.20q; there are %v", string(x), Abilities())
		}
	}
	return nil
}
