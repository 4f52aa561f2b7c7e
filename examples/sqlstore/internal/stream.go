package sqlstore

import (
	"container/heap"
	"context"
	"errors"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// firstChunk is how many resources the first statement reads when they must be looked at one by one. Each further statement reads
// moreBy times as many as the one before. So few statements read a large tenant, and what is read in vain because the page is full
// is in proportion to what was needed.
const firstChunk, moreBy = 100, 4

// fewForMarks is how many resources are looked at before marks are used to find those that match.
const fewForMarks = 25

// stream looks at the resources that the conditions find, in the order of a column, and calls each for those that
// match, until that returns errEnough. The source is valid only during the call. No more than one resource is in memory.
func (l *list) stream(ctx context.Context, in Session, after *store.Position, column string, desc bool, each func(*Source) error) error {
	width := 0
	rest := map[string]*listType{}
	for n := range l.types {
		t := &l.types[n]
		rest[t.name], width = t, len(t.columns)
	}
	src := &Source{answers: make([]string, width)}
	more := make([]any, width)
	for i := range more {
		more[i] = &src.answers[i]
	}
	scan := l.scanner(more...)
	looked := 0
	limit := firstChunk
	if l.marksHelp != nil {
		limit = fewForMarks
	}
	for ; ; limit *= moreBy {
		n := 0
		sql, args := l.read(after, column, desc, limit, 0, "", 0)
		err := l.ask(ctx, in, sql, args, func(rw Row) error {
			r, err := scan(rw)
			if err != nil {
				return err
			}
			n, looked = n+1, looked+1
			if err := l.looked(ctx, looked); err != nil {
				return err
			}
			of := rest[r.Type]
			if err := src.Reset(r, &of.answers.rows); err != nil {
				return err
			}
			if n == limit {
				at := l.positionOf(&r.Resource)
				after = &at
			}
			if of.rest != nil && !filter.Match(of.rest, src) {
				return nil
			}
			return each(src)
		})
		if err != nil || n < limit {
			return err
		}
	}
}

// pick makes a page of the resources for which filter.Match holds, in the order of a column.
func (l *list) pick(ctx context.Context, in Session) (*store.Page, error) {
	p := &store.Page{Total: -1}
	seen := 0
	err := l.stream(ctx, in, l.after, l.column, l.desc, func(src *Source) error {
		seen++
		switch kept := seen - l.Start; {
		case kept <= 0 || l.Count == 0:
		case kept <= l.Count:
			r, err := src.whole()
			if err != nil {
				return err
			}
			p.Resources = append(p.Resources, r)
		case kept == l.Count+1:
			p.Next = l.CursorAt(l.positionOf(p.Resources[l.Count-1]))
		}
		if l.NoTotal && (p.Next != "" || l.Count == 0) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return p, nil
	}
	if err != nil || l.NoTotal {
		return p, err
	}
	p.Total = seen
	if l.after != nil { // the total includes the resources before the cursor
		p.Total = 0
		err = l.stream(ctx, in, nil, l.column, l.desc, func(*Source) error { p.Total++; return nil })
	}
	return p, err
}

// sort makes a page in an order that the database doesn't have. It looks at all resources that match, and remembers the positions of
// those up to the end of the page.
func (l *list) sort(ctx context.Context, in Session) (*store.Page, error) {
	p := &store.Page{Total: -1}
	first := &farthest{by: l.Sort}
	keep, total := l.Start+l.Count+1, 0
	column := l.column
	l.column = "id" // stream walks in the order of ids
	err := l.stream(ctx, in, nil, "id", false, func(src *Source) error {
		total++
		at := l.Sort.Position(src.Type, src.ID, src)
		switch {
		case l.after != nil && l.Sort.Compare(at, *l.after) <= 0:
		case len(first.places) < keep:
			heap.Push(first, at)
		case l.Sort.Compare(at, first.places[0]) < 0:
			first.places[0] = at
			heap.Fix(first, 0)
		}
		return nil
	})
	l.column = column
	if err != nil {
		return nil, err
	}
	if !l.NoTotal {
		p.Total = total
	}
	slices.SortFunc(first.places, l.Sort.Compare)
	places := first.places[min(l.Start, len(first.places)):]
	if len(places) > l.Count {
		if places = places[:l.Count]; l.Count > 0 {
			p.Next = l.CursorAt(places[l.Count-1])
		}
	}
	p.Resources, err = l.at(ctx, in, places)
	return p, err
}

// at reads the resources at some positions, with one statement for each type.
func (l *list) at(ctx context.Context, in Session, places []store.Position) ([]*store.Resource, error) {
	all := make([]*store.Resource, len(places))
	for _, t := range l.types {
		var ids []string
		where := map[string]int{}
		for i, at := range places {
			if at.Type == t.name {
				ids = append(ids, Enc(at.ID))
				where[at.ID] = i
			}
		}
		if len(ids) == 0 {
			continue
		}
		from, on, _ := l.engine.Find(among(l.engine.IdsIn(Place(3))), "r.tenant = $1 AND r.type = $2")
		sql, args := "SELECT "+columns+", r.type, r.id FROM "+from+" WHERE "+on, []any{Enc(l.Tenant), Enc(t.name), l.engine.Texts(ids)}
		scan := l.scanner()
		err := in.Query(ctx, sql, args, func(rw Row) error {
			found, err := scan(rw)
			if err == nil {
				all[where[found.ID]], err = found.whole()
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// farthest is a heap of positions with the last one on top.
type farthest struct {
	places []store.Position
	by     *store.Sort
}

func (f *farthest) Len() int           { return len(f.places) }
func (f *farthest) Less(i, j int) bool { return f.by.Compare(f.places[i], f.places[j]) > 0 }
func (f *farthest) Swap(i, j int)      { f.places[i], f.places[j] = f.places[j], f.places[i] }
func (f *farthest) Push(x any)         { f.places = append(f.places, x.(store.Position)) }
func (f *farthest) Pop() any {
	last := f.places[len(f.places)-1]
	f.places = f.places[:len(f.places)-1]
	return last
}
