package idp

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// remember notes which resources are in the service before the simulation, so that they are neither compared nor deleted.
func (s *simulation) remember(ctx context.Context) error {
	s.others = map[string]bool{}
	return s.everything(ctx, func(path string, _ map[string]any) { s.others[path] = true })
}

// everything reads all users and groups.
func (s *simulation) everything(ctx context.Context, each func(path string, r map[string]any)) error {
	paths := []string{"/Users"}
	if s.style.groups {
		paths = append(paths, "/Groups")
	}
	for _, path := range paths {
		if err := s.list(ctx, path, func(r map[string]any) { each(path+"/"+str(r["id"]), r) }); err != nil {
			return err
		}
	}
	return nil
}

// compare compares what the provider believes with what the service has, and adds the differences to the report.
func (s *simulation) compare(ctx context.Context) error {
	s.forgetDeleted()
	s.report.Comparisons++
	has := map[string]map[string]any{}
	if err := s.everything(ctx, func(path string, r map[string]any) {
		has[path] = r
	}); err != nil {
		return err
	}
	for _, x := range s.dir.people {
		if l := s.links[x]; l != nil && l.id != "" {
			s.compareUser(l, has["/Users/"+l.id])
			delete(has, "/Users/"+l.id)
		}
	}
	for _, t := range s.dir.teams {
		if l := s.teams[t]; l != nil && l.id != "" {
			s.compareGroup(l, has["/Groups/"+l.id])
			delete(has, "/Groups/"+l.id)
		}
	}
	for path, r := range has {
		if s.others[path] {
			continue // it was there before the simulation, and the provider has not matched it to one of its people or groups
		}
		s.differ(path, str(r["userName"])+str(r["displayName"]), "", "nothing", "a resource that the provider doesn't know")
	}
	return nil
}

func (s *simulation) differ(path, who, attribute, believed, has string) {
	s.report.Disagreements = append(s.report.Disagreements, Disagreement{Day: s.report.Days, Path: path, Who: who, Attribute: attribute, Believed: believed, Has: has})
}

func (s *simulation) compareUser(l *link, r map[string]any) {
	path, who := "/Users/"+l.id, l.believed[UserName]
	switch {
	case l.gone && r != nil:
		s.differ(path, who, "", "deleted", "there")
	case l.gone:
	case r == nil:
		s.differ(path, who, "", "there", "not there")
	default:
		got := attributesOf(r)
		for _, name := range l.believed.differences(s.known(got)) {
			s.differ(path, who, name, l.believed[name], got[name])
		}
	}
}

func (s *simulation) compareGroup(l *teamLink, r map[string]any) {
	path := "/Groups/" + l.id
	switch {
	case l.gone && r != nil:
		s.differ(path, l.name, "", "deleted", "there")
	case l.gone:
	case r == nil:
		s.differ(path, l.name, "", "there", "not there")
	default:
		if r["displayName"] != l.name {
			s.differ(path, l.name, "displayName", l.name, str(r["displayName"]))
		}
		if got := memberIDs(r); !sameMembers(got, l.members) {
			s.differ(path, l.name, "members", fmt.Sprintf("%d, among them %s", len(l.members), few(sortedIDs(l.members, got))), fmt.Sprintf("%d, among them %s", len(got), few(sortedIDs(got, l.members))))
		}
	}
}

// few lists the first of some ids, for a message.
func few(ids []string) string {
	const most = 3
	if len(ids) > most {
		return strings.Join(ids[:most], " ") + " ..."
	}
	return strings.Join(ids, " ")
}

// clean deletes what the simulation has made, the groups first.
func (s *simulation) clean(ctx context.Context) error {
	var paths []string
	if err := s.everything(ctx, func(path string, _ map[string]any) {
		if !s.others[path] {
			paths = append(paths, path)
		}
	}); err != nil {
		return err
	}
	slices.Sort(paths)
	for _, path := range paths {
		if _, err := s.send(ctx, http.MethodDelete, path, nil, http.StatusNotFound); err != nil {
			return err
		}
	}
	return nil
}
