package checks_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pixeltrack.io/platform/infra/checks"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// everywhere are the families that any function may have: what confirms a caller, what a call leaves behind it, and the
// public keys.
var everywhere = []string{"USERGATE", "ACCESS", "ORGGATE", "IDEMPOTENCY", "AUDIT", "KEYRING", "APIKEY", "TOKENUSE"}

var family = regexp.MustCompile(`[A-Z][A-Z_]+`)

// TestARoleReachesTheFamiliesOfItsLineAlone asks the role of every function for every family of rows in every scope: what
// the function's line in the table of access patterns does not name is refused, whatever the function's code would do.
func TestARoleReachesTheFamiliesOfItsLineAlone(t *testing.T) {
	cloud, err := template.Read(root, map[string]string{"Stage": "test", "PublicUrl": "https://api.example.com", "AllowedOrigins": "https://example.com", "MailFrom": "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	patterns, err := os.ReadFile(root + "/pkg/store/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := checks.KeysOf(patterns)
	scopes := map[registry.Scope]store.Scope{
		registry.InOrganization: store.OrganizationScope("org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"), registry.InUser: store.UserScope(id.User("usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB")),
		registry.InCase: store.CaseScope("0123456789abcdef"), registry.InPlatform: store.PlatformScope(),
	}
	asked, refused := 0, 0
	for _, o := range list() {
		f := cloud.Function(function(o.ID))
		if f == nil {
			t.Errorf("%s: the templates have no such function", o.ID)
			continue
		}
		line := keys[o.ID]
		if strings.Contains(line, "every family of a user or organisation") {
			continue // the sweeper and the builder of exports
		}
		named := append(family.FindAllString(line, -1), everywhere...)
		for _, row := range catalog.Rows() {
			for _, in := range row.Scopes {
				scope, ok := scopes[in]
				if !ok || slices.Contains(named, row.Family) {
					continue
				}
				partition := scope.Partition(store.Family(row.Family))
				for _, action := range []string{"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"} {
					asked++
					d := f.Policy.Decide(iam.Request{Action: "dynamodb:" + action, Resource: cloud.Table.ARN, Context: map[string][]string{"dynamodb:LeadingKeys": {partition}}})
					if d.Allowed {
						t.Errorf("%s may %s in %s, which its line does not name", o.ID, action, partition)
						continue
					}
					refused++
				}
			}
		}
	}
	t.Logf("%d of %d refused", refused, asked)
}

// function is the resource of an operation.
func function(operation string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(operation, "-") {
		fmt.Fprint(&b, strings.ToUpper(part[:1]), part[1:])
	}
	return b.String()
}
