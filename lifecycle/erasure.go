package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Erase takes everything that is personal of a user out of what is kept (I13): the record is removed, whoever manages it, and so are
// its tombstones; of its events and of the entries of the journal remains that somebody with this id was here, and when, but
// nothing that says who. Entries about others that name the person lose what they say. The consumers are told that the user
// is deactivated and deleted, by its id alone.
//
// known says whether there was anything of such a user.
// Erase may be called again if it was interrupted. It goes through all that is kept of the tenant's past, so it takes its time. Who is
// created again by the identity provider is a new person.
func (s *Service) Erase(ctx context.Context, by Request, id string) (known bool, err error) {
	tracer, ok := store.As[store.Tracer](s.store)
	if !ok {
		return false, errors.New("lifecycle: Erase needs a store that is a store.Tracer")
	}
	r := by.click(SourceManual, "erase")
	r.erases = true
	who := &personal{words: map[string]bool{}, people: map[string]bool{}}
	// Shadows come first: whoever makes one true moves what is in it to the store below.
	shadows, err := s.shadows(ctx, r.Tenant)
	if err != nil {
		return known, err
	}
	for _, connection := range shadows {
		there, err := s.learnShadow(ctx, r, connection, id, who)
		if known = known || there; err != nil {
			return known, err
		}
	}
	for _, typ := range [...]string{userType, retainedType} {
		cur, err := s.store.Get(ctx, r.key(typ, id))
		if err == nil {
			known = true
			who.learn(cur.Attributes)
		} else if !errors.Is(err, store.ErrNotFound) {
			return known, err
		}
	}
	// What the person was called before is in what is kept of it.
	err = tracer.Traces(ctx, r.Tenant, func(t store.Trace) document.Document {
		if t.Subject.ID == id && ofUser(t.Subject) {
			known = true
			who.add(t.Data.Get("userName").Text())
			who.add(t.Data.Get("name").Text())
			for _, part := range [...]string{"before", "after"} {
				who.learn(document.Document(rawOf(t.Data, part)))
			}
		}
		return t.Data
	})
	if err != nil || !known {
		return known, err
	}
	for _, connection := range shadows {
		if err := s.eraseShadow(ctx, r, connection, id, who); err != nil {
			return known, err
		}
	}
	for found := true; found; {
		if found, err = s.eraseRecords(ctx, r, id, who); err != nil {
			return known, err
		}
	}
	return known, tracer.Traces(ctx, r.Tenant, func(t store.Trace) document.Document { return s.erased(t, id, who) })
}

// Forget removes everything of a tenant from the store, as a store.Forgetter does. Switch its connections off first. What package
// connection keeps outside the tenant, connection.Service.Forget removes; call that before.
func (s *Service) Forget(ctx context.Context, tenant string) error {
	forgetter, ok := store.As[store.Forgetter](s.store)
	if !ok {
		return errors.New("lifecycle: Forget needs a store that is a store.Forgetter")
	}
	if tenant == "" {
		return errors.New("lifecycle: Forget needs a tenant")
	}
	s.refusals.forget(tenant)
	return forgetter.Forget(ctx, tenant)
}

func ofUser(k store.Key) bool { return k.Type == userType || k.Type == retainedType }

// eraseRecords removes the records and the tombstones of a user, and says whether there was any. Meanwhile others may delete the user,
// let it in again, or create it from its tombstone. So the user is looked for first and last, and whoever found any looks again.
func (s *Service) eraseRecords(ctx context.Context, r *Request, id string, who *personal) (found bool, err error) {
	for _, erase := range [...]func() (bool, error){
		func() (bool, error) { return s.eraseRecord(ctx, r, r.key(userType, id), who) },
		func() (bool, error) { return s.eraseRecord(ctx, r, r.key(retainedType, id), who) },
		func() (bool, error) { return s.eraseTombstones(ctx, r, id, who) },
		func() (bool, error) { return s.eraseRecord(ctx, r, r.key(userType, id), who) },
	} {
		one, err := erase()
		if found = found || one; err != nil {
			return found, err
		}
	}
	return found, nil
}

// eraseRecord removes a record for good, and learns what it says by then. It says whether there was one.
func (s *Service) eraseRecord(ctx context.Context, r *Request, k store.Key, who *personal) (found bool, err error) {
	if _, err := s.store.Get(ctx, k); errors.Is(err, store.ErrNotFound) {
		return false, nil // which the journal needn't tell
	}
	one := *r
	_, err = s.Do(ctx, &one, func(ctx context.Context) (Draft, error) {
		cur, err := s.store.Get(ctx, k)
		if err != nil {
			return Draft{Key: k}, missing(k, err)
		}
		found = true
		who.learn(cur.Attributes)
		return Draft{Key: k, Before: cur}, nil
	})
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) && refusal.Reason == NotFound {
		return found, nil
	}
	return found, err
}

// release plans that a user who is erased has no account outside the organization.
func (p *plan) release(ctx context.Context, cur *store.Resource) error {
	account, err := AccountOf(cur)
	if err == nil && account.Linked != "" {
		err = p.releaseOutside(ctx, account.Linked, cur.ID)
	}
	return err
}

// eraseTombstones removes what an earlier removal or a rename has left of a user. It says whether there was any.
func (s *Service) eraseTombstones(ctx context.Context, r *Request, id string, who *personal) (found bool, err error) {
	keys := make([]string, 0, 2*len(who.people)+len(who.words))
	for external := range who.people {
		keys = append(keys, tombstoneID("externalId", external))
	}
	for word := range who.words {
		keys = append(keys, nameKey(word))
	}
	for _, key := range keys {
		t, err := s.store.Get(ctx, r.key(tombstoneType, key))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return found, err
		}
		if t.Attributes.Get("user").Text() != id {
			continue
		}
		found = true
		// Its version counts, because it may have become the one of somebody else who has the name.
		err = s.store.Commit(ctx, &store.Change{Tenant: r.Tenant, Delete: []store.Delete{{Type: tombstoneType, ID: key, IfVersion: t.Version}}})
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrVersionMismatch) {
			return found, err
		}
	}
	return found, nil
}

// personal are the words that tell who somebody is.
type personal struct {
	words  map[string]bool // names and addresses, folded
	people map[string]bool // externalIds, as they were sent
}

// identifying are the attributes whose values tell who somebody is, wherever they stand.
var identifying = [...]string{"userName", "externalId", "displayName", "nickName", "profileUrl"}

// learn learns the words of a record.
func (p *personal) learn(d document.Document) {
	if d == "" {
		return
	}
	for _, name := range identifying {
		p.add(d.Get(name).Text())
	}
	if id := d.Get("externalId").Text(); id != "" {
		p.people[id] = true
	}
	p.add(d.Get("name").Get("formatted").Text())
	for _, list := range [...]string{"emails", "phoneNumbers", "ims"} {
		for _, e := range d.Get(list).Items() {
			p.add(e.Value.Get("value").Text())
		}
	}
}

// add adds a word that is long enough to mean nobody else.
func (p *personal) add(word string) {
	const shortest = 3
	if len(word) >= shortest {
		p.words[document.Fold(word)] = true
	}
}

// in says whether a text names the person.
func (p *personal) in(text string) bool {
	if text = document.Fold(text); text == "" {
		return false
	}
	for word := range p.words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// inAny says whether any text of a value names the person.
func (p *personal) inAny(v document.Value) bool {
	switch v.Kind() {
	case document.KindString:
		return p.in(v.Text())
	case document.KindArray, document.KindObject:
		return slices.ContainsFunc(v.Items(), func(m document.Field) bool { return p.inAny(m.Value) })
	}
	return false
}

// erased is the data of a trace without the person.
func (s *Service) erased(t store.Trace, id string, who *personal) document.Document {
	v, err := t.Data.Tree()
	if err != nil {
		return `{"v":1}` // it is damaged, and nobody can say what is in it
	}
	own := t.Subject.ID == id && ofUser(t.Subject)
	if !own && !who.inAny(v) && !s.bodyNames(t, who) {
		return t.Data
	}
	kept := document.Object(document.Field{Name: "v", Value: document.Int(1)})
	for _, name := range [...]string{"by", "origin", "status", "micros", "added", "removed", "shadow"} {
		if x := v.Get(name); !x.IsNull() && !who.inAny(x) {
			kept.Set(name, x)
		}
	}
	if t.Event {
		kept.Set("truncated", document.Bool(true)) // which says that Before and After are left out
	}
	return kept.Document()
}

// bodyNames says whether the request that an entry keeps names the person, or can't be opened to see that.
func (s *Service) bodyNames(t store.Trace, who *personal) bool {
	if t.Event || t.Data.Get("body").Text() == "" {
		return false
	}
	b, ok, err := s.openBody(t.Subject.Tenant, t.Data)
	return err != nil || !ok || who.in(b.Text) || who.in(b.Path) || who.in(b.Query)
}

// PersonExport is everything that is kept about a person.
type PersonExport struct {
	Resource json.RawMessage `json:"resource"` // the attributes, with id and meta
	Account  PersonAccount   `json:"account"`
	Groups   []NamedMember   `json:"groups"`
	Events   []PersonTrace   `json:"events"`
	Journal  []PersonTrace   `json:"journal"`
	// Shadows are the attributes that the person would have by connections in the state shadow, by their ids.
	Shadows map[string]json.RawMessage `json:"shadows,omitempty"`
}

// PersonAccount is an account as it is exported.
type PersonAccount struct {
	State      State      `json:"state"`
	Source     Source     `json:"source"`
	Billed     bool       `json:"billed"`
	Held       bool       `json:"held"`
	FirstLogin *time.Time `json:"firstLogin"`
	Role       string     `json:"role"`
	Linked     string     `json:"linked"`
}

// PersonTrace is an event, or an entry of the journal, as it is exported.
type PersonTrace struct {
	ID      string          `json:"id"`
	Kind    string          `json:"kind"` // of an event; the action of an entry
	Outcome string          `json:"outcome,omitempty"`
	Time    time.Time       `json:"time"`
	Data    json.RawMessage `json:"data"`
}

// ExportPerson collects what is kept about a user, be it one whom the product retains. It returns store.ErrNotFound if there is none.
func (s *Service) ExportPerson(ctx context.Context, tenant, id string) (*PersonExport, error) {
	tracer, ok := store.As[store.Tracer](s.store)
	if !ok {
		return nil, errors.New("lifecycle: ExportPerson needs a store that is a store.Tracer")
	}
	cur, err := s.store.Get(ctx, store.Key{Tenant: tenant, Type: userType, ID: id})
	if errors.Is(err, store.ErrNotFound) {
		cur, err = s.store.Get(ctx, store.Key{Tenant: tenant, Type: retainedType, ID: id})
	}
	if err != nil {
		return nil, err
	}
	account, err := AccountOf(cur)
	if err != nil {
		return nil, err
	}
	v, err := cur.Attributes.Tree()
	if err != nil {
		return nil, store.ErrCorrupt
	}
	v = v.Clone()
	v.Set("id", document.String(cur.ID))
	v.Set("meta", document.Object(document.Field{Name: "resourceType", Value: document.String(userType)},
		document.Field{Name: "created", Value: document.String(cur.Created.Format(time.RFC3339Nano))},
		document.Field{Name: "lastModified", Value: document.String(cur.LastModified.Format(time.RFC3339Nano))}))
	x := &PersonExport{Resource: document.AppendJSON(nil, v), Groups: []NamedMember{}, Events: []PersonTrace{}, Journal: []PersonTrace{},
		Account: PersonAccount{State: account.State, Source: account.Source, Billed: account.Billed, Held: account.Held, Role: account.Role, Linked: account.Linked}}
	if !account.FirstLogin.IsZero() {
		x.Account.FirstLogin = &account.FirstLogin
	}
	for row, err := range s.store.Members(ctx, store.MemberQuery{Tenant: tenant, Of: []string{id}}) {
		if err != nil {
			return nil, err
		}
		x.Groups = append(x.Groups, NamedMember{row.Group, row.Label})
	}
	if x.Shadows, err = s.exportShadows(ctx, cur.Key); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	err = tracer.Traces(ctx, tenant, func(t store.Trace) document.Document {
		if t.Subject.ID != id || !ofUser(t.Subject) || seen[t.ID] {
			return t.Data
		}
		seen[t.ID] = true
		one := PersonTrace{ID: t.ID, Kind: t.Name, Outcome: t.Outcome, Time: t.Time, Data: json.RawMessage(t.Data)}
		if t.Data == "" {
			one.Data = json.RawMessage("{}")
		}
		if t.Event {
			x.Events = append(x.Events, one)
			return t.Data
		}
		if b, ok, err := s.openBody(tenant, t.Data); ok && err == nil { // what was sent is the person's to know
			if tree, err := t.Data.Tree(); err == nil {
				tree = tree.Clone()
				tree.Delete("body")
				tree.Set("sent", document.String(b.Text))
				one.Data = document.AppendJSON(nil, tree)
			}
		}
		x.Journal = append(x.Journal, one)
		return t.Data
	})
	return x, err
}
