package idp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Person is somebody in the directory of a company.
type Person struct {
	ID       string // of the directory's object; the externalId in the product
	Attrs    Attributes
	Manager  *Person
	Enabled  bool // the account may be used
	Assigned bool // the person is in the scope of the application
	Left     int  // the day on which the person left; -1 if not
	Deleted  bool // the object is gone for good
}

// Team is a group that is pushed to the application.
type Team struct {
	ID      string
	Name    string
	Members map[*Person]bool
	Deleted bool
}

// Directory is a company whose people come, change and leave. Everything follows from the seed.
type Directory struct {
	rand    *rand.Rand
	people  []*Person
	teams   []*Team
	serial  int
	today   int
	changed map[*Person]bool
	stirred map[*Team]bool
	// Events counts what has happened, by name.
	Events map[string]int
	// mistake are those who were taken out of the scope by mistake, until tomorrow.
	mistake []*Person
	// keepsNames is how long, in days, the name of somebody who left isn't given to somebody else; 0 is for ever.
	keepsNames int
	freed      []string // names of people who are deleted
}

var (
	given      = strings.Fields("Aiko Amara Ana Björn Chidi Dana Elif Émile Fatima Grace Hana Igor Ines Jonas Kofi Lea Liam Māra Mei Nadia Noah Olu Petra Qi Rosa Sami Søren Tariq Uma Vera Wen Yara Zoë")
	family     = strings.Fields("Abe Bauer Chen Díaz Eriksen Ferrari García Haddad Ivanov Jansen Kowalski Lindqvist Müller Nakamura Okafor O'Brien Petrov Quist Rossi Schäfer Tanaka Ueda Vargas Weber Xu Yılmaz Żak")
	titles     = strings.Fields("Engineer Designer Accountant Analyst Recruiter Planner Director Assistant Writer Tester")
	department = strings.Fields("Research Sales Finance People Legal Support Operations Marketing")
)

// newDirectory has so many people, and a team for each eight of them.
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

// hire brings somebody new.
func (d *Directory) hire() *Person {
	d.serial++
	first, last := pick(d, given), pick(d, family)
	name := d.userName(first, last)
	if len(d.freed) > 0 && d.keepsNames > 0 && d.rand.IntN(4) == 0 { // a namesake of somebody who has gone
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

// userName is one that nobody has had: providers compare it without its case and marks.
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

// somebody is a person who works there; nil if there is nobody.
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

// found makes a team with some people in it.
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

// live lets a part of a day pass: as many events as befit a company of that size.
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

// night ends a day: accounts of those who left a month ago are deleted, and mistakes of the day before are undone.
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
	if d.rand.IntN(90) == 0 { // four times a year somebody edits the scope wrongly
		for _, p := range d.people {
			if p.Assigned && p.Enabled && d.rand.IntN(10) == 0 {
				p.Assigned = false
				d.mistake = append(d.mistake, p)
				d.note("out of scope by mistake", p)
			}
		}
	}
}

// event is one thing that happens.
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

// comeBack lets somebody return who has left and isn't deleted yet.
func (d *Directory) comeBack() {
	for _, p := range d.people {
		if p.Left >= 0 && !p.Deleted {
			p.Enabled, p.Left = true, -1
			d.note("return", p)
			return
		}
	}
}

// marry gives somebody another family name, and with it another userName and address.
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

// move gives somebody another department, and other teams.
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

// reassign takes somebody out of the scope, or brings back whom it finds outside.
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

// stir changes who is in a team.
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

// drain is what has changed since it was last asked, in the order of the directory.
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
