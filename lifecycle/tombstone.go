package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// This file has what becomes of people who are deleted and come back. What the lifecycle remembers of them are resources of
// internal types, under ids that follow from the person, so that finding one is a Get.
const (
	tombstoneType = "rollcall.Tombstone" // the account of a deleted user, under each key of keysOf
	retainedType  = "rollcall.Retained"  // a deleted user whom the product retains by the policy keep, whole
)

// tombstoneID is the id of a tombstone: the hash of what a person is known by, so that nothing personal remains.
func tombstoneID(attribute, value string) string {
	text := make([]byte, 0, 128)
	text = append(append(append(text, attribute...), 0), value...)
	sum := sha256.Sum256(text)
	var id [32]byte
	hex.Encode(id[:], sum[:16])
	return string(id[:])
}

// person is what tells whether a tombstone and a new user are the same: the hash of the externalId, "" if there is none.
func person(r *store.Resource) string {
	id := r.Attributes.Get("externalId").Text()
	if id == "" {
		return ""
	}
	return tombstoneID("externalId", id)
}

// nameKey is the key of somebody's userName or mail address.
func nameKey(name string) string { return tombstoneID("userName", document.Fold(name)) }

// tombstone is what is kept of a user who is gone, or of a name that somebody had who is held.
type tombstone struct {
	record  *store.Resource
	user    string  // the id of the user
	person  string  // person() of the user
	account Account // as it was
}

// tombstone reads the tombstone of a key; nil if there is none.
func (p *plan) tombstone(ctx context.Context, key string) (*tombstone, error) {
	r, err := p.s.store.Get(ctx, p.r.key(tombstoneType, key))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	account, err := AccountOf(r)
	return &tombstone{r, r.Attributes.Get("user").Text(), r.Attributes.Get("person").Text(), account}, err
}

// putTombstone plans to remember a user under a key. A tombstone of another user who is held is not replaced by one of a user who
// isn't, or that other user would be forgotten.
func (p *plan) putTombstone(ctx context.Context, key string, user *store.Resource, account Account) error {
	old, err := p.tombstone(ctx, key)
	if err != nil {
		return err
	}
	v := document.Object(document.Field{Name: "user", Value: document.String(user.ID)})
	if id := person(user); id != "" {
		v.Set("person", document.String(id))
	}
	r := &store.Resource{Key: p.r.key(tombstoneType, key), Created: now(), LastModified: now(), Attributes: v.Document(), Internal: account.document()}
	if old == nil {
		p.put(nil, r)
		return nil
	}
	if old.user != user.ID && old.account.Held && !account.Held {
		return nil
	}
	p.put(old.record, r)
	return nil
}

// leaveTombstones plans what remains of a user who is removed: what the account was in the product, and nothing personal unless the
// policy retains the user. It is found by the externalId, which the identity provider keeps through a rename. Somebody
// who is retained is found by the userName too, and somebody whom an administrator has shut out by every name.
func (p *plan) leaveTombstones(ctx context.Context, cur *store.Resource) error {
	account, err := AccountOf(cur)
	if err != nil {
		return err
	}
	account.State, account.Billed, account.Seat = Deactivated, false, false
	retain := p.r.Settings.Delete == "keep"
	var keys []string
	if id := person(cur); id != "" {
		keys = append(keys, id)
	}
	switch {
	case account.Held:
		for _, name := range names(cur) {
			keys = append(keys, nameKey(name))
		}
	case retain:
		keys = append(keys, nameKey(userName(cur)))
	}
	for _, key := range keys {
		if err := p.putTombstone(ctx, key, cur, account); err != nil {
			return err
		}
	}
	if account.Linked != "" {
		if err := p.releaseOutside(ctx, account.Linked, cur.ID); err != nil {
			return err
		}
	}
	if !retain {
		return nil
	}
	retained := *cur
	retained.Type, retained.Version, retained.Internal = retainedType, newID(), account.document()
	retained.Index = slices.Clone(cur.Index)
	for i := range retained.Index {
		retained.Index[i].Unique = false // its name is free for others (RFC 7644 section 3.6)
	}
	p.put(nil, &retained)
	return nil
}

// recall finds out who a new user was before. Somebody who comes back with the same externalId, or under the same userName if one
// of the two has no externalId, gets the id and the account of before, and the record if it was retained. Anybody else with that
// name is another person (I16); but if an administrator has shut the former one out, the new one is held as well, until an
// administrator says otherwise.
//
// Hardly anybody was here before. So at first the commit is left to find out that there is no tombstone, unless more depends on
// who the person was.
func (p *plan) recall(ctx context.Context, r *store.Resource, account *Account) (retained *store.Resource, err error) {
	keys := make([]string, 0, 3)
	is := person(r)
	if is != "" {
		keys = append(keys, is)
	}
	keys = append(keys, nameKey(userName(r)))
	if p.r.By == SourceSSO {
		for _, name := range p.names(r)[1:] {
			keys = append(keys, nameKey(name))
		}
	}
	look := p.r.lost || p.r.By != SourceSCIM || p.s.opts.Accounts != nil
	held, back := false, false
	p.Change.Absent = slices.Grow(p.Change.Absent, len(keys))
	for _, key := range keys {
		var t *tombstone
		if look {
			if t, err = p.tombstone(ctx, key); err != nil {
				return nil, err
			}
		}
		if t == nil {
			p.Change.Absent = append(p.Change.Absent, store.Absent{Type: tombstoneType, ID: key})
			continue
		}
		live, err := p.s.store.Get(ctx, p.r.key(userType, t.user))
		switch {
		case err == nil:
			// The user is there. So nobody can come back as that one, but the name may be one that the user had before, or the
			// new user may be the same person.
			stands, err := AccountOf(live)
			if err != nil {
				return nil, err
			}
			if held = held || stands.Held; !stands.Held {
				p.drop(t.record)
			}
			continue
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
		if key != is && t.person != "" && is != "" && t.person != is { // another person had the name
			held = held || t.account.Held
			continue
		}
		p.drop(t.record)
		if back {
			continue
		}
		back = true
		was := t.account
		was.State, was.Source = None, account.Source
		*account, r.ID, r.Version = was, t.user, newID()
		if retained, err = p.unretain(ctx, r.ID); err != nil {
			return nil, err
		}
	}
	return retained, p.holds(account, held, retained != nil)
}

// holds applies what is known of people who had the same name to a new account.
func (p *plan) holds(account *Account, held, retained bool) error {
	if retained {
		account.State = Deactivated
	}
	switch held = held || account.Held; {
	case !held:
	case p.r.By == SourceSSO:
		return &Denied{DeniedSuspended}
	case p.r.By == SourceManual:
		account.Held = false // by adding the person the administrator lets it in
	default:
		account.Held = true
		p.r.AddNote(Note{Attribute: "userName", Text: "an administrator of the organization has suspended or rejected the person with this name; the new user has no access until an administrator reactivates it"})
	}
	return nil
}

// unretain plans that a user is retained no longer, and returns the record; nil if there is none. The user's tombstones go too,
// except those of somebody who is held, who may come back under another name.
func (p *plan) unretain(ctx context.Context, id string) (*store.Resource, error) {
	retained, err := p.s.store.Get(ctx, p.r.key(retainedType, id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.drop(retained)
	keys := []string{nameKey(userName(retained))}
	if id := person(retained); id != "" {
		keys = append(keys, id)
	}
	for _, key := range keys {
		t, err := p.tombstone(ctx, key)
		if err != nil {
			return nil, err
		}
		if t != nil && t.user == retained.ID && !t.account.Held {
			p.drop(t.record)
		}
	}
	user := *retained
	user.Type = userType
	return &user, nil
}

// removeRetained plans that a user whom the product retained is gone for the product, too.
func (p *plan) removeRetained(ctx context.Context) error {
	user, err := p.unretain(ctx, p.d.Before.ID)
	if err != nil {
		return err
	}
	if user == nil {
		return missing(p.d.Key, store.ErrNotFound)
	}
	p.tellOf(KindDeleted, user, nil)
	p.Resource, p.Outcome = user, Removed
	return nil
}

// restore plans that a user who was retained is let in again. The identity provider has let go of it, so it is managed by hand
// from now on.
func (p *plan) restore(ctx context.Context) error {
	user, err := p.unretain(ctx, p.d.Before.ID)
	if err != nil {
		return err
	}
	if user == nil {
		return &Denied{DeniedNotPossible} // it has come back meanwhile
	}
	account, err := AccountOf(user)
	if err != nil {
		return err
	}
	next := *user
	next.Version, next.LastModified = newID(), now()
	if p.d.After, err = next.Attributes.Tree(); err != nil {
		return store.ErrCorrupt
	}
	p.index(&next, user)
	account.Source, account.Held = SourceManual, false
	if err := p.relink(ctx, &next, &account); err != nil {
		return err
	}
	if _, _, err := p.move(account, Reactivate, user, &next); err != nil {
		return err
	}
	p.put(nil, &next)
	p.Resource, p.Version, p.Outcome = &next, next.Version, Updated
	return nil
}

// renamed checks a change of somebody's userName or mail address. It refuses the name of another person who is held, and that of
// an account outside the organization. If the user is held, the old name and the old address are remembered as held.
func (p *plan) renamed(ctx context.Context, account Account, cur, next *store.Resource) error {
	was, is := userName(cur), userName(next)
	if was != is && document.Fold(was) != document.Fold(is) {
		if err := p.refuseHeldName(ctx, cur, is); err != nil {
			return err
		}
	}
	if account.Held {
		kept := names(next)
		for _, name := range names(cur) {
			if slices.Contains(kept, name) {
				continue
			}
			if err := p.putTombstone(ctx, nameKey(name), cur, account); err != nil {
				return err
			}
		}
	}
	return p.refuseOutside(ctx, account, cur, next)
}

// refuseHeldName refuses that a user gets the name of somebody else who is held. Hardly any name is held, so at first the commit
// is left to find out that there is no tombstone, unless the client would have to be told of a lost race.
func (p *plan) refuseHeldName(ctx context.Context, cur *store.Resource, name string) error {
	var t *tombstone
	if p.r.lost || p.r.Once {
		var err error
		if t, err = p.tombstone(ctx, nameKey(name)); err != nil {
			return err
		}
	}
	if t == nil {
		p.Change.Absent = append(p.Change.Absent, store.Absent{Type: tombstoneType, ID: nameKey(name)})
		return nil
	}
	if t.user == cur.ID {
		return nil
	}
	held, err := p.isHeld(ctx, t)
	if err == nil && held {
		err = &Refusal{Reason: Taken, Attribute: "userName", Detail: "an administrator of the organization has suspended or rejected the person who had this name; an administrator must reactivate that person first"}
	}
	return err
}

// isHeld says whether the user of a tombstone is held: by what is true now if the user is there, else by what was.
func (p *plan) isHeld(ctx context.Context, t *tombstone) (bool, error) {
	live, err := p.s.store.Get(ctx, p.r.key(userType, t.user))
	if errors.Is(err, store.ErrNotFound) {
		return t.account.Held, nil
	}
	if err != nil {
		return false, err
	}
	account, err := AccountOf(live)
	return account.Held, err
}
