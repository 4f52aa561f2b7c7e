package lifecycle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// SettingsSource tells a tenant's settings. It is asked for every change, so it should answer from memory. It must be
// safe for concurrent use. Settings that are not valid make the request fail, with the reason in the log.
type SettingsSource interface {
	Settings(ctx context.Context, tenant string) (Settings, error)
}

// FixedSettings are the same for every tenant. New refuses them if they are not valid.
type FixedSettings Settings

// Settings implements SettingsSource.
func (f FixedSettings) Settings(context.Context, string) (Settings, error) { return Settings(f), nil }

// checkedSource is the source as a service asks it: what it tells is valid, and has no empty words. What can be said before
// the first request is an error here.
func checkedSource(source SettingsSource) (SettingsSource, error) {
	switch source := source.(type) {
	case nil:
		return FixedSettings(DefaultSettings()), nil
	case FixedSettings:
		settings, err := Settings(source).checked()
		if err != nil {
			return nil, fmt.Errorf("lifecycle: Options.Settings: %w", err)
		}
		if settings.SCIM && !settings.PlanAllows && settings.Plan == "" {
			return nil, errors.New("lifecycle: Options.Settings: scim is true, but planAllows is false, so that every request is refused: begin with DefaultSettings(), or name in Plan the plan that doesn't include SCIM")
		}
		return FixedSettings(settings), nil
	case *FixedSettings: // it is a SettingsSource, too
		if source == nil {
			return nil, errors.New("lifecycle: Options.Settings is a nil *FixedSettings: leave it out for DefaultSettings()")
		}
		return checkedSource(*source)
	case *StoredSettings:
		return source, source.check()
	}
	return validSource{source}, nil
}

// validSource checks what a source of the product's tells.
type validSource struct{ SettingsSource }

func (v validSource) Settings(ctx context.Context, tenant string) (Settings, error) {
	settings, err := v.SettingsSource.Settings(ctx, tenant)
	if err != nil {
		return Settings{}, err
	}
	if settings, err = settings.checked(); err != nil {
		return Settings{}, fmt.Errorf("lifecycle: the settings of the tenant %q: %w", tenant, err)
	}
	return settings, nil
}

// StoredSettings keeps each tenant's settings in the store beside its people, as a resource of an internal type, and
// remembers them for a while.
//
// What is stored is valid when it is set, and is checked again when it is read. A setting that is missing there has the value of
// Defaults. A setting that this version of the library doesn't know is an error, as an unknown word is: to ignore it would
// be to go by another policy than the one that was set. So let all processes have a new version before you set what only it
// knows.
type StoredSettings struct {
	Store    store.Store     // must be set
	MaxAge   time.Duration   // for so long they are remembered; the same in all processes; default 1 s
	Defaults func() Settings // of a tenant that has stored none; default DefaultSettings

	mu    sync.Mutex
	known map[string]storedSettings
}

type storedSettings struct {
	settings Settings
	set      int // how often they had been set
	read     time.Time
}

// settingsCounter counts how often a tenant's settings have been set. Whoever takes a seat claims from it and gives it back, in
// the same commit: so a seat is never taken by a limit that was replaced before, however long the commit has waited.
const settingsCounter = "rollcall.settings"

const settingsType = "rollcall.Settings"

func settingsKey(tenant string) store.Key {
	return store.Key{Tenant: tenant, Type: settingsType, ID: "settings"}
}

// check says what is wrong with how it was made.
func (s *StoredSettings) check() error {
	switch {
	case s == nil || s.Store == nil:
		return errors.New("lifecycle: StoredSettings.Store is not set: give it the store that the service works on")
	case s.MaxAge < 0:
		return fmt.Errorf("lifecycle: StoredSettings.MaxAge: want 0 or more, got %s", s.MaxAge)
	}
	_, err := s.defaults()
	return err
}

func (s *StoredSettings) defaults() (Settings, error) {
	if s.Defaults == nil {
		return DefaultSettings(), nil
	}
	settings, err := s.Defaults().checked()
	if err != nil {
		err = fmt.Errorf("lifecycle: StoredSettings.Defaults: %w", err)
	}
	return settings, err
}

// Settings implements SettingsSource. A tenant without stored settings has the defaults.
func (s *StoredSettings) Settings(ctx context.Context, tenant string) (Settings, error) {
	known, err := s.get(ctx, tenant, false)
	return known.settings, err
}

// get reads a tenant's settings, unless they are remembered and may be.
func (s *StoredSettings) get(ctx context.Context, tenant string, fresh bool) (storedSettings, error) {
	s.mu.Lock()
	k, ok := s.known[tenant]
	s.mu.Unlock()
	began := time.Now()
	if ok && !fresh && began.Sub(k.read) < s.maxAge() {
		return k, nil
	}
	if s.Store == nil {
		return storedSettings{}, s.check()
	}
	settings, err := s.defaults()
	if err != nil {
		return storedSettings{}, err
	}
	k = storedSettings{settings: settings, read: began}
	r, err := s.Store.Get(ctx, settingsKey(tenant))
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return storedSettings{}, err
	default:
		if k.settings, err = parseSettings(r.Internal, settings); err != nil {
			return storedSettings{}, fmt.Errorf("lifecycle: the stored settings of the tenant %q: %w", tenant, err)
		}
		k.set = timesSet(r)
	}
	s.remember(tenant, k)
	return k, nil
}

// timesSet is how often the settings of a record have been set.
func timesSet(r *store.Resource) int {
	n, _ := strconv.Atoi(r.Attributes.Get("set").Text())
	return n
}

// parseSettings reads stored settings over the defaults.
func parseSettings(text document.Document, settings Settings) (Settings, error) {
	if text == "" {
		return Settings{}, fmt.Errorf("%w: it is empty", store.ErrCorrupt)
	}
	if err := text.Check(); err != nil {
		return Settings{}, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&settings); err != nil {
		return Settings{}, err
	}
	return settings.checked()
}

func (s *StoredSettings) maxAge() time.Duration {
	if s.MaxAge <= 0 {
		return time.Second
	}
	return s.MaxAge
}

func (s *StoredSettings) remember(tenant string, k storedSettings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[string]storedSettings)
	}
	s.known[tenant] = k
}

// Set validates and keeps a tenant's settings, with the default in the place of each empty word. If they differ it takes MaxAge,
// and when it returns no change begins by the old ones any more, in any process, and no seat is taken beyond a new limit. If ctx
// ends before, they are kept nevertheless.
func (s *StoredSettings) Set(ctx context.Context, tenant string, settings Settings) error {
	settings, err := settings.checked()
	if err != nil {
		return err
	}
	if s.Store == nil {
		return s.check()
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	v, err := document.Parse(string(text), 0)
	if err != nil {
		return err
	}
	for {
		r := &store.Resource{Key: settingsKey(tenant), Internal: v.Document(), Version: newID(), Created: now(), LastModified: now()}
		put, set := store.Put{Resource: r}, 1
		old, err := s.Store.Get(ctx, r.Key)
		if err == nil {
			if old.Internal == r.Internal {
				return nil
			}
			put.IfVersion, r.Created, set = old.Version, old.Created, timesSet(old)+1
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		r.Attributes = object("set", strconv.Itoa(set))
		err = s.Store.Commit(ctx, &store.Change{Tenant: tenant, Put: []store.Put{put},
			Claims: []store.Claim{{Counter: settingsCounter, Take: 1, Limit: math.MaxInt32}}}) // with a limit it waits for those who claim
		var exists *store.ConflictError
		if errors.Is(err, store.ErrVersionMismatch) || errors.As(err, &exists) {
			continue // somebody else set them meanwhile; the last one holds
		}
		if err != nil {
			return err
		}
		s.remember(tenant, storedSettings{settings, set, time.Now()})
		select {
		case <-time.After(s.maxAge()):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
