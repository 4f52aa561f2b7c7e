package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Person is somebody who is in the product already, to be imported.
type Person struct {
	Line int // where the person stands in a file, for the report; 0: Import counts

	// ID is the product's own id, which becomes the user's. It is 1 to 64 letters, digits, "-", "_" or "."; "": a new one. Somebody who
	// is found by other names keeps the id that there is.
	ID string
	// Attributes are the SCIM attributes: userName, externalId, emails, name and so on.
	Attributes document.Value
	// State is where the account stands. None: Active if there was a sign-in or the person is billed, else Provisioned.
	State      State
	FirstLogin time.Time // zero: never signed in
	Billed     bool      // a billing period has begun: the next sign-in doesn't bill again
	Role       string    // "": Settings.DefaultRole
	Groups     []string  // displayNames; a group that isn't there is made

	// Problem says why the person can't be read; then the row is invalid, and no other field but Line counts.
	Problem string
}

// ImportOptions say how people are imported. The zero ImportOptions tell nobody.
type ImportOptions struct {
	Who    string // the administrator, for the journal
	Events bool   // consumers are told "provisioned" of each person who is new
	Batch  int    // how many people one commit is of at most; default 500, at most 2,000
	// VerifiedAddresses says that the product has verified that the addresses are the people's. Then somebody who is found by nothing but
	// one address is the one who has it. Otherwise that is a conflict.
	VerifiedAddresses bool
	// Resolve finds the id of the user who is the person, by what the product knows; "": it knows none. It may be nil.
	Resolve func(ctx context.Context, p Person) (id string, err error)
	// Report gets each row once, in the order of the people. An error ends the import. It may be nil.
	Report func(ImportRow) error
}

// ImportRow is what became of one person.
type ImportRow struct {
	Line     int           `json:"line"`
	UserName string        `json:"userName"`
	Outcome  ImportOutcome `json:"outcome"`
	ID       string        `json:"id"`     // of the user; "" if there is none
	Reason   string        `json:"reason"` // of a conflict or what is invalid; may explain others
}

// ImportOutcome is a word of a row.
type ImportOutcome string

// The outcomes of a row.
const (
	RowImported  ImportOutcome = "imported"  // is new
	RowLinked    ImportOutcome = "linked"    // was there, and got what was missing
	RowUnchanged ImportOutcome = "unchanged" // was there, with everything
	RowConflict  ImportOutcome = "conflict"  // could be somebody else; an administrator must say who
	RowInvalid   ImportOutcome = "invalid"   // can't be read, or isn't what the schema wants
)

// ImportCount is how many rows had which outcome.
type ImportCount struct {
	Imported  int `json:"imported"`
	Linked    int `json:"linked"`
	Conflict  int `json:"conflict"`
	Invalid   int `json:"invalid"`
	Unchanged int `json:"unchanged"`
}

func (c *ImportCount) add(o ImportOutcome) {
	switch o {
	case RowImported:
		c.Imported++
	case RowLinked:
		c.Linked++
	case RowConflict:
		c.Conflict++
	case RowInvalid:
		c.Invalid++
	case RowUnchanged:
		c.Unchanged++
	}
}

// Import takes over people who are in the product already, in batches of one commit each. Seats are counted, without a limit, as they are
// in. Whoever is there already keeps the id, every name and address, and the access that they have, and gets what is
// missing.
//
// A person is found by ID, externalId and userName, and by ImportOptions.Resolve; and by an address only where those are verified. Who could
// be two people is a conflict. So nobody takes over an account by an address, by a look-alike of a name, or by a name that
// somebody else has left: a known name with another externalId is a conflict.
//
// It may be called again with the same people, also after it was interrupted: then those who are in are unchanged. An error of
// people, of Report or of the store ends it; the count is of the rows that were reported.
func (s *Service) Import(ctx context.Context, tenant string, people iter.Seq2[Person, error], o *ImportOptions) (ImportCount, error) {
	m := &importer{s: s, r: &Request{Tenant: tenant, By: SourceImport, Action: "import"}, groups: map[string]string{}}
	if o != nil {
		m.o = *o
	}
	if tenant == "" {
		return m.count, errors.New("lifecycle: Import needs a tenant")
	}
	m.r.Who = m.o.Who
	const usual, most = 500, 2_000
	if m.o.Batch <= 0 {
		m.o.Batch = usual
	}
	m.o.Batch = min(m.o.Batch, most)
	line := 0
	for p, err := range people {
		if err != nil {
			return m.count, errors.Join(m.flush(ctx), err)
		}
		line++
		if p.Line == 0 {
			p.Line = line
		}
		one := m.read(p)
		// Somebody who may be the same person as an earlier one of the batch is decided about after that one is in. So it makes no
		// difference where a batch ends.
		if len(m.batch) == m.o.Batch || m.seen.has(one) {
			if err := m.flush(ctx); err != nil {
				return m.count, err
			}
		}
		m.batch = append(m.batch, one)
		m.seen.add(one)
	}
	return m.count, m.flush(ctx)
}

// importer is an import that goes on.
type importer struct {
	s      *Service
	r      *Request
	o      ImportOptions
	batch  []*candidate
	seen   seen
	groups map[string]string // ids of groups that there are, by folded displayName
	count  ImportCount
}

// candidate is a person on the way in.
type candidate struct {
	Person
	row  ImportRow
	name string   // folded
	ext  string   // externalId
	mail []string // folded
	next *store.Resource
	done bool // row says what becomes of it already
}

// seen are the names of a batch.
type seen map[string]bool

func (s seen) has(c *candidate) bool {
	for _, k := range c.keys() {
		if s[k] {
			return true
		}
	}
	return false
}

func (s *seen) add(c *candidate) {
	if *s == nil {
		*s = make(seen)
	}
	for _, k := range c.keys() {
		(*s)[k] = true
	}
}

// keys are what somebody may be found by.
func (c *candidate) keys() []string {
	if c.done {
		return nil
	}
	keys := append(make([]string, 0, 3+len(c.mail)), "n"+c.name)
	if c.ext != "" {
		keys = append(keys, "e"+c.ext)
	}
	if c.ID != "" {
		keys = append(keys, "i"+c.ID)
	}
	for _, m := range c.mail {
		keys = append(keys, "m"+m)
	}
	return keys
}

func (c *candidate) end(o ImportOutcome, id, reason string) {
	c.row.Outcome, c.row.ID, c.row.Reason, c.done = o, id, reason, true
}

// read checks a person.
func (m *importer) read(p Person) *candidate {
	c := &candidate{Person: p, row: ImportRow{Line: p.Line, UserName: p.Attributes.Get("userName").Text()}}
	if err := m.check(c); err != nil {
		c.end(RowInvalid, "", err.Error())
	}
	return c
}

func (m *importer) check(c *candidate) error {
	const mostGroups = 200
	switch {
	case c.Problem != "":
		return errors.New(c.Problem)
	case c.row.UserName == "":
		return errors.New("userName is missing")
	case c.ID != "" && !plainID(c.ID):
		return errors.New(`id: want 1 to 64 letters, digits, "-", "_" or "."`)
	case len(c.Groups) > mostGroups:
		return fmt.Errorf("groups: want at most %d", mostGroups)
	}
	if c.State == None {
		if c.State = Provisioned; c.Billed || !c.FirstLogin.IsZero() {
			c.State = Active
		}
	}
	switch c.State {
	case Provisioned, Active:
	case Pending, Suspended, Deactivated:
		if c.Billed {
			return fmt.Errorf("billed: somebody who is %s has no access, so nothing is billed; want false", c.State)
		}
	default:
		return errors.New("state: want provisioned, pending, active, suspended or deactivated")
	}
	in := c.State != Suspended && c.State != Deactivated
	v := c.Attributes.Clone()
	v.Delete("active")
	v.Set("active", document.Bool(in))
	if m.s.opts.Check != nil {
		var err error
		if v, err = m.s.opts.Check(userType, v); err != nil {
			return err
		}
	}
	c.Attributes = v
	c.name, c.ext = document.Fold(v.Get("userName").Text()), v.Get("externalId").Text()
	if c.name == "" {
		return errors.New("userName: it has nothing that anybody can see")
	}
	for _, e := range v.Get("emails").Items() {
		if mail := document.Fold(e.Value.Get("value").Text()); mail != "" {
			c.mail = append(c.mail, mail)
		}
	}
	return nil
}

// plainID says whether a product's id can stand in an address.
func plainID(id string) bool {
	const most = 64
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.' && i > 0:
		default:
			return false
		}
	}
	return id != "" && len(id) <= most
}

// flush decides about the batch, commits it, and reports its rows.
func (m *importer) flush(ctx context.Context) error {
	if len(m.batch) == 0 {
		return nil
	}
	if err := m.decideAll(ctx, m.batch); err != nil {
		return err
	}
	for _, c := range m.batch {
		m.count.add(c.row.Outcome)
		if m.o.Report != nil {
			if err := m.o.Report(c.row); err != nil {
				return err
			}
		}
	}
	m.batch = m.batch[:0]
	clear(m.seen)
	return nil
}

// decideAll decides about people and commits what that means. If others write at the same time it decides again, and in the
// end about each by itself.
func (m *importer) decideAll(ctx context.Context, all []*candidate) error {
	const together, alone = 3, 50
	tries := together
	if len(all) == 1 {
		tries = alone
	}
	var raced error
	for range tries {
		m.r.settled = false
		if err := m.s.settle(ctx, m.r); err != nil {
			return err
		}
		to, err := m.s.audience(ctx, m.r.Tenant)
		if err != nil {
			return err
		}
		p := &plan{s: m.s, r: m.r, to: to}
		p.Change.Tenant = m.r.Tenant
		rows := make([]ImportRow, len(all))
		done := make([]bool, len(all))
		for i, c := range all {
			rows[i], done[i] = c.row, c.done
		}
		if err := m.plan(ctx, p, all); err != nil {
			return err
		}
		if p.empty() {
			return nil
		}
		err = m.s.store.Commit(ctx, &p.Change)
		if err == nil {
			m.s.deliver(ctx, p.events)
			return nil
		}
		var again bool
		if again, err = tryAgain(m.r, err); !again {
			return err
		}
		raced = m.r.refused
		m.r.refused = nil
		clear(m.groups) // one may be gone
		for i, c := range all {
			c.row, c.done = rows[i], done[i]
		}
	}
	if len(all) > 1 {
		for i := range all {
			if err := m.decideAll(ctx, all[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if conflict := (*store.ConflictError)(nil); errors.As(raced, &conflict) {
		all[0].end(RowConflict, "", "somebody else has this "+conflict.Attribute+" already")
		return nil
	}
	return ErrContended
}
