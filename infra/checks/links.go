package checks

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
)

const (
	module  = "pixeltrack.io/platform/"
	service = "github.com/aws/aws-sdk-go-v2/service/"
)

// prefixes are what the actions of a service begin with, by its client's package.
var prefixes = map[string]string{"eventbridge": "events:", "kms": "kms:", "s3": "s3:", "ssm": "ssm:"}

// links sees that a function links the client of a service only where its role lets it call that service: a client that
// is never used makes the function larger and its start slower.
func links(f *findings, tree fs.FS, list []Operation, packages map[string][]*file) {
	for _, o := range list {
		stack, err := load(tree, "infra/stacks/"+o.Area+".yaml")
		if err != nil {
			continue // the stacks' own check says so
		}
		allowed := actionsOf(at(stack, "Resources", o.resource(), "Properties"))
		for _, name := range slices.Sorted(maps.Keys(linked(packages, o.dir(), map[string]bool{}))) {
			if name == "dynamodb" {
				continue // the store's own; a function without a table pays nothing for its types
			}
			prefix, known := prefixes[name]
			if !known || !slices.ContainsFunc(allowed, func(action string) bool { return strings.HasPrefix(action, prefix) }) {
				f.add("%s: it links the client of %s, which its role may not call", o.ID, name)
			}
		}
	}
}

// linked gives the services whose clients a package links, directly or through others.
func linked(packages map[string][]*file, dir string, seen map[string]bool) map[string]bool {
	all := map[string]bool{}
	if seen[dir] {
		return all
	}
	seen[dir] = true
	for _, g := range packages[dir] {
		for _, p := range g.imports {
			if name, ok := strings.CutPrefix(p, service); ok && !strings.Contains(name, "internal") {
				all[strings.TrimSuffix(name, "/types")] = true
			}
			if own, ok := strings.CutPrefix(p, module); ok {
				maps.Copy(all, linked(packages, own, seen))
			}
		}
	}
	return all
}

// actionsOf gives every action that a function's role allows.
func actionsOf(p any) []string {
	var all []string
	policies, _ := at(p, "Policies").([]any)
	for _, policy := range policies {
		statements, _ := at(policy, "Statement").([]any)
		for _, s := range statements {
			all = append(all, texts(at(s, "Action"))...)
		}
	}
	return all
}
