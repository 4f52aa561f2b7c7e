package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// known are the users who may be those of a batch, by what they may be found by.
type known struct {
	byID, byName map[string]*store.Resource
	byExternal   map[string][]*store.Resource
	byMail       map[string][]*store.Resource
}

// plan plans a batch: who is found is completed, who isn't is made.
func (m *importer) plan(ctx context.Context, p *plan, all []*candidate) error {
	there, err := m.look(ctx, all)
	if err != nil {
		return err
	}
	seats := 0
	var joining []*candidate
	for _, c := range all {
		if c.done {
			continue
		}
		cur, conflict, err := m.find(ctx, there, c)
		if err != nil {
			return err
		}
		switch {
		case conflict != "":
			c.end(RowConflict, "", conflict)
			continue
		case cur != nil:
			err = m.complete(p, c, cur)
		default:
			seats, err = m.make(p, c, seats)
		}
		if err != nil {
			return err
		}
		if len(c.Groups) > 0 && (c.row.Outcome != RowInvalid) {
			joining = append(joining, c)
		}
	}
	if err := m.join(ctx, p, joining); err != nil {
		return err
	}
	if seats > 0 {
		p.Change.Claims = append(p.Change.Claims, store.Claim{Counter: seatCounter, Take: seats, Limit: -1}) // they are in already
	}
	for _, c := range all {
		if c.row.Outcome == RowImported || c.row.Outcome == RowLinked {
			p.Change.Journal = append(p.Change.Journal, store.Entry{ID: newID(), Time: now(), Who: m.r.Who,
				Subject: m.r.key(userType, c.row.ID), Action: m.r.Action, Outcome: string(c.row.Outcome)})
		}
	}
	return nil
}

// look reads who may be meant by anybody of a batch.
func (m *importer) look(ctx context.Context, all []*candidate) (*known, error) {
	k := &known{map[string]*store.Resource{}, map[string]*store.Resource{}, map[string][]*store.Resource{}, map[string][]*store.Resource{}}
	var ids, names, externals, mails filter.Or
	text := func(path filter.Path, multi, exact bool, value string) filter.Expr {
		return filter.Compare{Attr: filter.Attr{Path: path, Type: filter.String, Multi: multi, CaseExact: exact}, Op: filter.Eq, Value: document.String(value)}
	}
	for _, c := range all {
		if c.done {
			continue
		}
		names = append(names, text(filter.Path{Name: "userName"}, false, false, c.name))
		if c.ID != "" {
			ids = append(ids, text(filter.Path{Name: "id"}, false, true, c.ID))
		}
		if c.ext != "" {
			externals = append(externals, text(filter.Path{Name: "externalId"}, false, true, c.ext))
		}
		for _, mail := range c.mail {
			mails = append(mails, text(filter.Path{Name: "emails", Sub: "value"}, true, false, mail))
		}
	}
	for _, q := range []struct {
		any filter.Or
		add func(r *store.Resource)
	}{
		{ids, func(r *store.Resource) { k.byID[r.ID] = r }},
		{names, func(r *store.Resource) { k.byName[document.Fold(userName(r))] = r }},
		{externals, func(r *store.Resource) {
			id := r.Attributes.Get("externalId").Text()
			k.byExternal[id] = append(k.byExternal[id], r)
		}},
		{mails, func(r *store.Resource) {
			for _, e := range r.Attributes.Get("emails").Items() {
				if mail := document.Fold(e.Value.Get("value").Text()); mail != "" && !slices.ContainsFunc(k.byMail[mail], func(o *store.Resource) bool { return o.ID == r.ID }) {
					k.byMail[mail] = append(k.byMail[mail], r)
				}
			}
		}},
	} {
		if err := m.each(ctx, userType, q.any, q.add); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// each reads the resources of a type for which any of the terms holds. Terms of one kind are one look-up of the store.
func (m *importer) each(ctx context.Context, typ string, terms filter.Or, add func(*store.Resource)) error {
	const together, page = 500, 1_000
	for part := range slices.Chunk(terms, together) {
		q := store.Query{Tenant: m.r.Tenant, Types: []string{typ}, Filter: part, Count: page, NoTotal: true}
		if len(part) == 1 {
			q.Filter = part[0]
		}
		for {
			list, err := m.s.store.List(ctx, q)
			if err != nil {
				return err
			}
			for _, r := range list.Resources {
				add(r)
			}
			if q.Cursor = list.Next; q.Cursor == "" {
				break
			}
		}
	}
	return nil
}

// find finds the user who is a person, or says why nobody can tell.
func (m *importer) find(ctx context.Context, there *known, c *candidate) (cur *store.Resource, conflict string, err error) {
	by := ""
	same := func(how string, r *store.Resource) {
		switch {
		case r == nil || conflict != "" || cur != nil && cur.ID == r.ID:
		case cur == nil:
			cur, by = r, how
		default:
			conflict = fmt.Sprintf("by the %s this is the user %s, by the %s it is %s; correct one of them", by, cur.ID, how, r.ID)
		}
	}
	if m.o.Resolve != nil {
		id, err := m.o.Resolve(ctx, c.Person)
		if err != nil {
			return nil, "", err
		}
		if id != "" {
			r, err := m.s.store.Get(ctx, m.r.key(userType, id))
			if err != nil {
				return nil, "", fmt.Errorf("lifecycle: ImportOptions.Resolve: %s: %w", id, err)
			}
			same("resolver", r)
		}
	}
	same("id", there.byID[c.ID])
	for _, r := range there.byExternal[c.ext] {
		same("externalId", r)
	}
	same("userName", there.byName[c.name])
	for _, mail := range c.mail {
		for _, r := range there.byMail[mail] {
			if cur == nil && !m.o.VerifiedAddresses {
				return nil, fmt.Sprintf("the user %s (%s) has the address of this person, but another userName; nothing proves that they are the same", r.ID, userName(r)), nil
			}
			same("address", r)
		}
	}
	if cur == nil || conflict != "" {
		return cur, conflict, nil
	}
	if has := cur.Attributes.Get("externalId").Text(); has != "" && c.ext != "" && has != c.ext && by != "resolver" {
		return nil, fmt.Sprintf("the user %s (%s) is found by the %s, but has another externalId; it may be somebody else", cur.ID, userName(cur), by), nil
	}
	return cur, "", nil
}

// make plans a new user.
func (m *importer) make(p *plan, c *candidate, seats int) (int, error) {
	r := &store.Resource{Key: m.r.key(userType, c.ID), Version: newID(), Created: now()}
	if r.LastModified = r.Created; r.ID == "" {
		r.ID = newID()
	}
	p.d.After = c.Attributes
	if err := p.encode(r, nil); err != nil {
		c.end(RowInvalid, "", err.Error())
		return seats, nil
	}
	account := Account{State: c.State, Source: SourceImport, Billed: c.Billed, FirstLogin: c.FirstLogin, Role: c.Role}
	if account.Role == "" {
		account.Role = m.r.Settings.DefaultRole
	}
	if account.Seat = m.r.Settings.takesSeat(account); account.Seat {
		seats++
	}
	r.Internal = account.document()
	p.put(nil, r)
	if m.o.Events {
		p.tellOf(KindProvisioned, nil, r)
	}
	c.next = r
	c.end(RowImported, r.ID, "")
	return seats, nil
}

// complete plans that a user who is there gets what is missing. Nothing that is there changes: no name, no address, no access.
func (m *importer) complete(p *plan, c *candidate, cur *store.Resource) error {
	c.next = nil
	c.end(RowUnchanged, cur.ID, "")
	account, err := AccountOf(cur)
	if err != nil {
		return err
	}
	attributes, err := cur.Attributes.Tree()
	if err != nil {
		return store.ErrCorrupt
	}
	attributes = attributes.Clone()
	missing := false
	for _, a := range c.Attributes.Items() {
		if a.Name != "active" && a.Name != "schemas" && attributes.Get(a.Name).IsNull() {
			attributes.Set(a.Name, a.Value)
			missing = true
		}
	}
	was := account
	if account.State == Provisioned && account.FirstLogin.IsZero() && c.State == Active {
		account.State = Active
	}
	if account.State.access() && c.State.access() {
		account.Billed = account.Billed || c.Billed
	}
	if account.FirstLogin.IsZero() {
		account.FirstLogin = c.FirstLogin
	}
	if account.Role == "" {
		account.Role = c.Role
	}
	if document.Fold(userName(cur)) != c.name {
		c.row.Reason = "is known as " + quoted(userName(cur)) + ", which stays"
	}
	if !missing && account == was {
		return nil
	}
	next := *cur
	if missing {
		p.d.After = attributes
		if err := p.encode(&next, cur); err != nil {
			c.end(RowInvalid, cur.ID, err.Error())
			return nil
		}
		next.LastModified = now()
	}
	next.Internal = account.document()
	p.put(cur, &next)
	c.row.Outcome = RowLinked
	return nil
}

// importCounter counts how often an import has made groups. Where displayNames aren't unique, two imports at once would both make the
// same group otherwise.
const importCounter = "rollcall.import"

// join plans that people are members of their groups, and makes the groups that aren't there.
func (m *importer) join(ctx context.Context, p *plan, all []*candidate) error {
	if len(all) == 0 {
		return nil
	}
	wanted := map[string]string{} // displayNames, by their folded forms
	for _, c := range all {
		for _, name := range c.Groups {
			if folded := document.Fold(name); folded != "" {
				wanted[folded] = name
			}
		}
	}
	const remembered = 10_000
	if len(m.groups) > remembered {
		clear(m.groups)
	}
	var unknown filter.Or
	for folded := range wanted {
		if m.groups[folded] == "" {
			unknown = append(unknown, filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "displayName"}, Type: filter.String}, Op: filter.Eq, Value: document.String(folded)})
		}
	}
	var only *store.Claim // that no other import makes groups from here on
	if reader, ok := store.As[store.CounterReader](m.s.store); ok && len(unknown) > 0 {
		counters, err := reader.Counters(ctx, m.r.Tenant, importCounter)
		if err != nil {
			return err
		}
		only = &store.Claim{Counter: importCounter, Take: 1, Limit: counters[0].Count + 1}
	}
	if err := m.each(ctx, groupType, unknown, func(r *store.Resource) {
		if folded := document.Fold(r.Attributes.Get("displayName").Text()); m.groups[folded] == "" {
			m.groups[folded] = r.ID
		}
	}); err != nil {
		return err
	}
	made := false
	adds := map[string][]store.MemberRef{}
	for _, c := range all {
		for _, name := range c.Groups {
			folded := document.Fold(name)
			if folded == "" {
				continue
			}
			id := m.groups[folded]
			if id == "" {
				group, err := m.group(p, name)
				if err != nil {
					c.row.Reason = fmt.Sprintf("groups: %s: %v", quoted(name), err)
					continue
				}
				id = group.ID
				m.groups[folded], made = id, true
			}
			if !slices.ContainsFunc(adds[id], func(ref store.MemberRef) bool { return ref.ID == c.row.ID }) {
				adds[id] = append(adds[id], store.MemberRef{Type: userType, ID: c.row.ID})
			}
		}
	}
	if made && only != nil {
		p.Change.Claims = append(p.Change.Claims, *only)
	}
	return m.add(ctx, p, all, adds)
}

// add plans the memberships that aren't there.
func (m *importer) add(ctx context.Context, p *plan, all []*candidate, adds map[string][]store.MemberRef) error {
	q := store.MemberQuery{Tenant: m.r.Tenant}
	by := map[string]*candidate{}
	for _, c := range all {
		by[c.row.ID] = c
		if c.next == nil { // was there
			q.Of = append(q.Of, c.row.ID)
		}
	}
	is := map[[2]string]bool{}
	if len(q.Of) > 0 {
		for row, err := range m.s.store.Members(ctx, q) {
			if err != nil {
				return err
			}
			is[[2]string{row.Group, row.ID}] = true
		}
	}
	for id, refs := range adds {
		d := store.MemberDelta{Group: id, Version: newID(), LastModified: now()}
		for _, ref := range refs {
			if is[[2]string{id, ref.ID}] {
				continue
			}
			d.Add = append(d.Add, ref)
			if c := by[ref.ID]; c.row.Outcome == RowUnchanged {
				c.row.Outcome = RowLinked
			}
		}
		if len(d.Add) > 0 {
			p.Change.Members = append(p.Change.Members, d)
		}
	}
	return nil
}

// group plans a new group.
func (m *importer) group(p *plan, name string) (*store.Resource, error) {
	v := document.Object(document.Field{Name: "displayName", Value: document.String(name)})
	if m.s.opts.Check != nil {
		var err error
		if v, err = m.s.opts.Check(groupType, v); err != nil {
			return nil, err
		}
	}
	r := &store.Resource{Key: m.r.key(groupType, newID()), Version: newID(), Created: now()}
	r.LastModified = r.Created
	p.d.After = v
	if err := p.encode(r, nil); err != nil {
		return nil, err
	}
	p.put(nil, r)
	if m.o.Events {
		p.tellOf(KindGroupCreated, nil, r)
	}
	return r, nil
}
