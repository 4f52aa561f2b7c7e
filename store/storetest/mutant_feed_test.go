package storetest

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// The mutants of this file are wrong in what operators and readers of the feed ask for.

type neverPauses struct{ *Fake }

func (m neverPauses) SetPaused(context.Context, string, string, bool) error { return nil }

type dropsAnything struct{ *Fake }

func (m dropsAnything) Drop(ctx context.Context, tenant, consumer, eventID, reason string) error {
	_ = m.Fake.Drop(ctx, tenant, consumer, eventID, reason)
	return nil
}

type lagsOfAll struct{ *Fake }

func (m lagsOfAll) Lags(ctx context.Context, _ string) ([]store.Lag, error) {
	return m.Fake.Lags(ctx, "")
}

type alwaysDue struct{ *Fake }

func (m alwaysDue) Due(ctx context.Context) ([]string, error) {
	all, err := m.Fake.Lags(ctx, "")
	var names []string
	for _, l := range all {
		names = append(names, l.Consumer)
	}
	return names, err
}

// feedsAs answers another query of the feed than it is asked, or gives another answer.
type feedsAs struct {
	*Fake
	edit func(q *store.FeedQuery, p *store.FeedPage)
}

func (m feedsAs) Feed(ctx context.Context, q store.FeedQuery) (store.FeedPage, error) {
	p, err := m.Fake.Feed(ctx, q)
	m.edit(&q, &p)
	return p, err
}

func feedMutants(f *Fake, name string) store.Store {
	return map[string]store.Store{
		"FeedsLess": feedsAs{f, func(_ *store.FeedQuery, p *store.FeedPage) {
			for i := range p.Events {
				p.Events[i].Data = "{}"
			}
		}},
		"SkipsAtTheEnd": feedsAs{f, func(q *store.FeedQuery, p *store.FeedPage) {
			if len(p.Events) == q.Max && q.Max > 1 {
				p.Events = p.Events[:q.Max-1]
			}
		}},
		"PrunesSilently": feedsAs{f, func(_ *store.FeedQuery, p *store.FeedPage) { p.Pruned = 0 }},
		"FeedsBackwards": feedsAs{f, func(_ *store.FeedQuery, p *store.FeedPage) { slices.Reverse(p.Events) }},
	}[name]
}
