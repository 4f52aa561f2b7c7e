package idp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Person is a person in the directory of a company.
type Person struct {
	ID       string // the id of the directory's object, which is the externalId in the product
	Attrs    Attributes
	Manager  *Person
	Enabled  bool // whether the account may be used
	Assigned bool // whether the person is in the scope of the application
	Left     int  // the day on which the person left the company; -1 if the person is still there
	Deleted  bool // whether the object was deleted for good
}

// Team is a group that is pushed to the application.
type Team struct {
	ID      string
	Name    string
	Members map[*Person]bool
	Deleted bool
}

// Directory is the directory of a company whose people come, change and leave. The same seed gives the same events. It must not be used
// concurrently.
type Directory struct {
	rand    *rand.Rand
	people  []*Person
	teams   []*Team
	serial  int
	today   int
	changed map[*Person]bool
	stirred map[*Team]bool
	// Events counts the events so far, by their names.
	Events map[string]int
	// mistake are the people who were taken out of the scope by mistake and come back tomorrow.
	mistake []*Person
	// keepsNames is the number of days after which the userName of somebody who left may be given to somebody else; 0 means never.
	keepsNames int
	freed      []string // the names of people who were deleted
}

var (
	given      = strings.Fields("Aiko Amara Ana Björn Chidi Dana Elif Émile Fatima Grace Hana Igor Ines Jonas Kofi Lea Liam Māra Mei Nadia Noah Olu Petra Qi Rosa Sami Søren Tariq Uma Vera Wen Yara Zoë")
	family     = strings.Fields("Abe Bauer Chen Díaz Eriksen Ferrari García Haddad Ivanov Jansen Kowalski Lindqvist Müller Nakamura Okafor O'Brien Petrov Quist Rossi Schäfer Tanaka Ueda Vargas Weber Xu Yılmaz Żak")
	titles     = strings.Fields("Engineer Designer Accountant Analyst Recruiter Planner Director Assistant Writer Tester")
	department = strings.Fields("Research Sales Finance People Legal Support Operations Marketing")
)

// newDirectory makes a directory with a number of people, and a team for every eight of them.
func newDirectory(seed uint64, people int) *Directory {
	d := &Directory{rand: rand.New(rand.NewPCG(seed, 0x5c1a)), changed: map[*Person]bool{}, stirred: map[*Team]bool{}, Events: map[string]int{}}
	for range people {
		d.hire()
	}
	for range max(people/8, 2) {
		d.found()
	}
	d.Events = map[string]int{}
	return d
}

func pick[T any](d *Directory, list []T) T { return list[d.rand.IntN(len(list))] }

func (d *Directory) id() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", d.rand.Uint32(), d.rand.Uint32N(1<<16), d.rand.Uint32N(1<<12), d.rand.Uint32N(1<<12), d.rand.Uint64N(1<<48))
}

func (d *Directory) note(event string, p *Person) {
	d.Events[event]++
	d.changed[p] = true
}

// hire adds a new person.
func (d *Directory) hire() *Person {
	d.serial++
	first, last := pick(d, given), pick(d, family)
	name := d.userName(first, last)
	if len(d.freed) > 0 && d.keepsNames > 0 && d.rand.IntN(4) == 0 { // the person gets the userName of somebody who has left
		name, d.freed = d.freed[0], d.freed[1:]
		d.Events["namesake"]++
	}
	p := &Person{ID: d.id(), Enabled: true, Assigned: true, Left: -1, Attrs: Attributes{
		UserName: name, WorkMail: name, GivenName: first, FamilyName: last, DisplayName: first + " " + last,
		Title: pick(d, titles), Department: pick(d, department), Mobile: fmt.Sprintf("+49 30 555-%04d", d.rand.IntN(10_000)),
	}}
	p.Attrs[ExternalID] = p.ID
	if boss := d.somebody(); boss != nil {
		p.Manager = boss
	}
	d.people = append(d.people, p)
	d.note("hire", p)
	return p
}

// userName returns a userName that nobody has had. It is compared in lower case and without diacritics, as providers do.
func (d *Directory) userName(first, last string) string {
	ascii := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < 'a' || r > 'z' {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	return fmt.Sprintf("%s.%s.%d@company.example", ascii(first), ascii(last), d.serial)
}

// somebody picks a person who works at the company; nil if nobody was found.
func (d *Directory) somebody() *Person {
	for range 20 {
		if len(d.people) == 0 {
			return nil
		}
		if p := pick(d, d.people); p.Enabled && p.Assigned && !p.Deleted {
			return p
		}
	}
	return nil
}

// found adds a new team with some people in it.
func (d *Directory) found() {
	d.serial++
	t := &Team{ID: d.id(), Name: fmt.Sprintf("%s %d", pick(d, department), d.serial), Members: map[*Person]bool{}}
	for range 3 + d.rand.IntN(12) {
		if p := d.somebody(); p != nil {
			t.Members[p] = true
		}
	}
	d.teams = append(d.teams, t)
	d.stirred[t] = true
	d.Events["found team"]++
}

func (d *Directory) team() *Team {
	for range 20 {
		if t := pick(d, d.teams); !t.Deleted {
			return t
		}
	}
	return d.teams[0]
}

// live makes the events of a part of a day. Their number is in proportion to the size of the company.
func (d *Directory) live(part time.Duration) {
	perYear := 6 * float64(len(d.people)) // events
	expected := perYear * part.Hours() / (365 * 24)
	n := int(expected)
	if d.rand.Float64() < expected-float64(n) {
		n++
	}
	for range n {
		d.event()
	}
}

// night ends a day: it deletes the accounts of those who left a month ago, and undoes the mistakes of the day before.
func (d *Directory) night() {
	d.today++
	for _, p := range d.mistake {
		p.Assigned = true
		d.note("back in scope", p)
	}
	d.mistake = nil
	for _, p := range d.people {
		if p.Left >= 0 && !p.Deleted && d.today-p.Left > 30 {
			p.Deleted = true
			d.freed = append(d.freed, p.Attrs[UserName])
			for _, t := range d.teams {
				if t.Members[p] {
					delete(t.Members, p)
					d.stirred[t] = true
				}
			}
			for _, q := range d.people {
				if q.Manager == p {
					q.Manager = nil
					d.changed[q] = true
				}
			}
			d.note("delete", p)
		}
	}
	if d.rand.IntN(90) == 0 { // about four times a year an administrator changes the scope by mistake
		for _, p := range d.people {
			if p.Assigned && p.Enabled && d.rand.IntN(10) == 0 {
				p.Assigned = false
				d.mistake = append(d.mistake, p)
				d.note("out of scope by mistake", p)
			}
		}
	}
}

// event makes one random event.
func (d *Directory) event() {
	switch n := d.rand.IntN(100); {
	case n < 4:
		d.hire()
	case n < 8:
		d.leave()
	case n < 10:
		d.comeBack()
	case n < 12:
		d.marry()
	case n < 20:
		if p := d.somebody(); p != nil {
			p.Attrs = p.Attrs.with(Title, pick(d, titles))
			d.note("rename", p)
		}
	case n < 26:
		d.move()
	case n < 28:
		d.reassign()
	case n < 31:
		if p, boss := d.somebody(), d.somebody(); p != nil && p != boss {
			p.Manager = boss
			d.note("other manager", p)
		}
	case n < 35:
		if p := d.somebody(); p != nil {
			p.Attrs = p.Attrs.with(Mobile, fmt.Sprintf("+49 30 555-%04d", d.rand.IntN(10_000)))
			d.note("other phone", p)
		}
	case n < 96:
		d.stir()
	case n < 98:
		t := d.team()
		d.serial++
		t.Name = fmt.Sprintf("%s %d", pick(d, department), d.serial)
		d.stirred[t] = true
		d.Events["rename team"]++
	case n < 99:
		d.found()
	default:
		if len(d.teams) > 3 {
			t := d.team()
			t.Deleted = true
			d.stirred[t] = true
			d.Events["close team"]++
		}
	}
}

func (d *Directory) leave() {
	if p := d.somebody(); p != nil {
		p.Enabled, p.Left = false, d.today
		d.note("leave", p)
	}
}

// comeBack has a person return who has left and wasn't deleted yet.
func (d *Directory) comeBack() {
	for _, p := range d.people {
		if p.Left >= 0 && !p.Deleted {
			p.Enabled, p.Left = true, -1
			d.note("return", p)
			return
		}
	}
}

// marry gives a person another family name, and with it another userName and e-mail address.
func (d *Directory) marry() {
	p := d.somebody()
	if p == nil {
		return
	}
	d.serial++
	last := pick(d, family)
	name := d.userName(p.Attrs[GivenName], last)
	p.Attrs = p.Attrs.with(FamilyName, last).with(DisplayName, p.Attrs[GivenName]+" "+last).with(UserName, name).with(WorkMail, name)
	d.note("marry", p)
}

// move gives a person another department, and other teams.
func (d *Directory) move() {
	p := d.somebody()
	if p == nil {
		return
	}
	p.Attrs = p.Attrs.with(Department, pick(d, department))
	from, to := d.team(), d.team()
	if from.Members[p] {
		delete(from.Members, p)
		d.stirred[from] = true
	}
	to.Members[p] = true
	d.stirred[to] = true
	d.note("move", p)
}

// reassign takes a person out of the scope, or brings back one who is outside of it.
func (d *Directory) reassign() {
	for _, p := range d.people {
		if !p.Assigned && p.Enabled && !p.Deleted && !slices.Contains(d.mistake, p) {
			p.Assigned = true
			d.note("reassign", p)
			return
		}
	}
	if p := d.somebody(); p != nil {
		p.Assigned = false
		d.note("unassign", p)
	}
}

// stir changes the members of a team.
func (d *Directory) stir() {
	t := d.team()
	if p := d.somebody(); p != nil {
		if t.Members[p] {
			delete(t.Members, p)
		} else {
			t.Members[p] = true
		}
		d.stirred[t] = true
		d.Events["member"]++
	}
}

// drain returns the people and teams that have changed since it was called last, in the order of the directory.
func (d *Directory) drain() (people []*Person, teams []*Team) {
	for _, p := range d.people {
		if d.changed[p] {
			people = append(people, p)
		}
	}
	for _, t := range d.teams {
		if d.stirred[t] {
			teams = append(teams, t)
		}
	}
	clear(d.changed)
	clear(d.stirred)
	return people, teams
}
