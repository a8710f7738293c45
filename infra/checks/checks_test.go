package checks_test

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pixeltrack.io/platform/infra/checks"
)

// kept are the areas of the copies that these tests change: a few, so that they are quick.
var kept = []string{"meta", "notifications", "webhooks"}

// small is a copy of the tree with a few areas, and their part of the list. Its ledger has measured them all.
func small(t *testing.T) (fstest.MapFS, []checks.Operation) {
	t.Helper()
	tree := fstest.MapFS{}
	take := func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(root + "/" + name)
		tree[name] = &fstest.MapFile{Data: content}
		return err
	}
	roots := []string{"template.yaml", "samconfig.toml", "infra/edge.yaml", "infra/openapi.yaml", "pkg/store", "pkg/app", "pkg/clock", "pkg/outbox", "events", "functions/edge"}
	for _, area := range kept {
		roots = append(roots, "functions/"+area, "infra/stacks/"+area+".yaml")
		if _, err := os.Stat(root + "/pkg/" + area); err == nil {
			roots = append(roots, "pkg/"+area)
		}
	}
	for _, r := range roots {
		if err := fs.WalkDir(os.DirFS(root), r, take); err != nil {
			t.Fatal(err)
		}
	}
	var part []checks.Operation
	for _, o := range list() {
		if slices.Contains(kept, o.Area) {
			part = append(part, o)
		}
	}
	var ledger strings.Builder
	for _, o := range part {
		ledger.WriteString(o.ID + ": {trips: 1, calls: 1, read_units: 2, write_units: 3.5}\n")
	}
	tree["infra/ledger.yaml"] = &fstest.MapFile{Data: []byte(ledger.String())}
	patterns, err := checks.Patterns(tree)
	if err != nil {
		t.Fatal(err)
	}
	tree["pkg/store/doc.go"] = &fstest.MapFile{Data: patterns}
	return tree, part
}

func TestEachDriftIsFound(t *testing.T) {
	const (
		stack    = "infra/stacks/webhooks.yaml"
		jobs     = "infra/stacks/notifications.yaml"
		function = "functions/webhooks/receive-resend/main.go"
		code     = "pkg/notifications/provider.go"
	)
	add := func(text string) func(string) string { return func(s string) string { return s + "\n" + text + "\n" } }
	swap := func(old, with string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, with, 1) }
	}
	imported := func(path, text string) func(string) string {
		return func(s string) string {
			return strings.Replace(s, "import (", "import (\n\t"+path, 1) + "\n" + text + "\n"
		}
	}
	tests := []struct {
		name   string
		file   string
		change func(string) string // nil removes the file
		want   string
	}{
		{"a route without a function", function, nil, "receive-resend: functions/webhooks/receive-resend/main.go is not there"},
		{"a function that the list has not", "functions/webhooks/receive-other/main.go", add("package main\nfunc main() {}"), "functions/webhooks/receive-other: the list has no such route or job"},
		{"a main that is too long", function, add(strings.Repeat("// a reason\nvar _ = 1\n", 16)), "lines of code"},
		{"a function of two files", "functions/webhooks/receive-resend/more.go", add("package main"), "a function is one main.go"},
		{"an area without a stack", stack, nil, "infra/stacks/webhooks.yaml: is not there"},
		{"a stack without an area", "infra/stacks/other.yaml", add("Resources: {}"), "infra/stacks/other.yaml: the list has no such area"},
		{"a stack that is not deployed", "template.yaml", swap("Location: infra/stacks/webhooks.yaml", "Location: infra/stacks/meta.yaml"), "no application is made of infra/stacks/webhooks.yaml"},
		{"a stack that is deployed and not there", "template.yaml", swap("Location: infra/stacks/webhooks.yaml", "Location: infra/stacks/webhook.yaml"), "infra/stacks/webhook.yaml is not there"},
		{"a function under another name", stack, swap("  ReceiveResend:", "  ReceiveMail:"), "has no function ReceiveResend"},
		{"a function that the list has not in a stack", stack, swap("  ReceiveResend:", "  ReceiveMail:"), "ReceiveMail: the list has no such route or job"},
		{"another directory", stack, swap("functions/webhooks/receive-resend", "functions/webhooks/receive-nothing"), "receive-resend: its code is in"},
		{"another method", stack, swap("Method: POST", "Method: PUT"), "receive-resend: its stack gives it the routes"},
		{"another path", stack, swap("Path: /v1/webhooks/resend", "Path: /v1/webhooks/mail"), "receive-resend: its stack gives it the routes"},
		{"another processor", stack, swap("[arm64]", "[x86_64]"), "receive-resend: it runs on"},
		{"no timeout", stack, swap("    Timeout: 30\n", ""), "receive-resend: runtime, handler, memory and timeout are needed"},
		{"a log that is kept forever", stack, swap("Properties: {RetentionInDays: !Ref LogRetentionDays}", "Properties: {}"), "receive-resend: it has no log group of its own with a retention"},
		{"a route that goes round the authorizer", stack, swap("Path: /v1/webhooks/resend}", "Path: /v1/webhooks/resend, Auth: {Authorizer: NONE}}"), "receive-resend: its route goes round the edge's authorizer"},
		{"two statements of one name", stack, swap("Sid: Mails", "Sid: Bindings"), `receive-resend: statement "Bindings": each has a name of its own`},
		{"an action of any name", stack, swap("Action: dynamodb:GetItem", "Action: dynamodb:*"), "allows dynamodb:*"},
		{"a role that may scan", stack, swap("Action: dynamodb:GetItem", "Action: dynamodb:Scan"), "allows dynamodb:Scan"},
		{"a statement for every family", stack, swap(`ForAllValues:StringLike: {dynamodb:LeadingKeys: ["EXT#resend#platform#*"]}`, "Bool: {x: true}"), "statement Bindings is not limited to families"},
		{"a statement for every resource", stack, swap("Resource: !Ref TableArn", `Resource: "*"`), "statement Ring is for every resource"},
		{"a function that serves whatever table", stack, swap("PLATFORM#KEYRING", "PLATFORM#KEYRINGS"), "receive-resend: it serves the table, and no statement lets it read"},
		{"a managed policy", stack, swap("        - Statement:", "        - AWSLambdaExecute\n        - Statement:"), "a role has statements of its own"},
		{"a client that the role has no use for", function, imported(`_ "github.com/aws/aws-sdk-go-v2/service/s3/types"`, ""), "receive-resend: it links the client of s3, which its role may not call"},
		{"a client that another package brings", code, imported(`_ "github.com/aws/aws-sdk-go-v2/service/kms"`, ""), "receive-resend: it links the client of kms, which its role may not call"},
		{"a job without its schedule", jobs, swap("Type: ScheduleV2", "Type: Schedule"), "send-outbox: it is started by Schedule"},
		{"a job that hears of something else", jobs, swap("detail-type: [OutboxQueued]", "detail-type: [OutboxFull]"), "send-outbox: its stack starts it by"},
		{"events that are lost", jobs, swap("OnFailure: {Type: SQS", "OnSuccess: {Type: SQS"), "send-outbox: events that fail for good go nowhere"},
		{"records that are lost", jobs, swap("DestinationConfig: {OnFailure: {Destination: !Ref FailedBucketArn}}", "DestinationConfig: {}"), "dispatch-changes: records that fail for good go nowhere"},
		{"a document without the route", "infra/openapi.yaml", swap("/v1/webhooks/resend:", "/v1/webhooks/mail:"), "receive-resend: the document calls POST /v1/webhooks/resend"},
		{"a document with another route", "infra/openapi.yaml", swap("/v1/webhooks/resend:", "/v1/webhooks/mail:"), "the list has no POST /v1/webhooks/mail"},
		{"another operation id", "infra/openapi.yaml", swap("operationId: receive-resend", "operationId: receive-mail"), `"receive-mail"`},
		{"an edge that leads elsewhere", "infra/edge.yaml", swap("/v1/webhooks*, TargetOriginId: webhooks", "/v1/webhooks*, TargetOriginId: privacy"), `receive-resend: the edge leads /v1/webhooks/resend to "privacy"`},
		{"an edge that speaks old TLS", "infra/edge.yaml", swap("TLSv1.3_2025", "TLSv1.2_2021"), "the edge speaks"},
		{"an edge that does not know an API", "infra/edge.yaml", swap("  WebhooksApi: {Type: String}\n", ""), "infra/edge.yaml: no parameter WebhooksApi"},
		{"an API that is not told to the edge", "template.yaml", swap("  WebhooksApi:", "  HooksApi:"), "template.yaml: no output WebhooksApi"},
		{"an operation without a pattern", "pkg/store/doc.go", swap("receive-resend |", "receive-mail |"), "receive-resend: pkg/store/doc.go has no line for it"},
		{"a pattern of no operation", "pkg/store/doc.go", swap("receive-resend |", "receive-mail |"), "pkg/store/doc.go: the list has no receive-mail"},
		{"a pattern without a key", "pkg/store/doc.go", swap("| a mail by the provider's id ", ""), "receive-resend: a line has operation, pattern, index, key and units"},
		{"units that nobody measured", "pkg/store/doc.go", func(s string) string {
			lines := strings.Split(s, "\n")
			for i, l := range lines {
				if strings.HasPrefix(l, "//\treceive-resend |") {
					lines[i] = l[:strings.LastIndex(l, "|")] + "| 77 / 7"
				}
			}
			return strings.Join(lines, "\n")
		}, "receive-resend: pkg/store/doc.go says 77 / 7 units"},
		{"an operation without a cost", "infra/ledger.yaml", func(string) string { return "send-outbox: {trips: 1}" }, "receive-resend: infra/ledger.yaml does not say its trips"},
		{"half a cost", "infra/ledger.yaml", func(string) string { return "send-outbox: {trips: 1, calls: 1, read_units: 1}" }, "send-outbox: infra/ledger.yaml does not say its write_units"},
		{"a cost of nothing", "infra/ledger.yaml", add("send-letters: {trips: 1}"), "infra/ledger.yaml: the list has no send-letters"},
		{"a clock that a template moves", stack, swap("STAGE: !Ref Stage", "STAGE: !Ref Stage\n        PIXELTRACK_CLOCK_OFFSET: 1h"), "says PIXELTRACK_CLOCK_OFFSET"},
		{"a template that plays the local stack", "template.yaml", swap("STAGE: !Ref Stage", "STAGE: !Ref Stage\n          AWS_SAM_LOCAL: \"true\""), "says AWS_SAM_LOCAL"},
		{"the time, asked past the clock", code, add("func late() time.Time { return time.Now() }"), "package clock alone asks what time it is"},
		{"the time as a value", code, add("func late() func() time.Time { return time.Now }"), "package clock alone asks what time it is"},
		{"an age by the machine's clock", code, add("func age(t time.Time) time.Duration { return time.Since(t) }"), "package clock alone asks what time it is"},
		{"the environment", code, imported(`"os"`, `func stage() string { return os.Getenv("STAGE") }`), "package app alone reads the environment"},
		{"the environment under another name", code, imported(`system "os"`, `func stage() string { return system.Getenv("STAGE") }`), "package app alone reads the environment"},
		{"an init function", code, add("func init() {}"), "an init function"},
		{"a map of a package", code, add("var seen = map[string]bool{}"), "variable seen of a package is state"},
		{"a counter of a package", code, add("var count int"), "variable count of a package is state"},
		{"an error that is changed", code, imported(`"fmt"`, "var errLate = errors.New(\"late\")\nfunc f() { errLate = fmt.Errorf(\"x\") }"), "variable errLate of a package is state"},
		{"an array that is changed", code, add("var three = [...]int{1, 2, 3}\nfunc f() { three[0]++ }"), "variable three of a package is state"},
		{"the configuration of the command line", code, imported(`"github.com/aws/aws-sdk-go-v2/config"`, "var _ = config.LoadDefaultConfig"), "app builds the configuration"},
		{"the catalog in a function", function, imported(`"pixeltrack.io/platform/pkg/catalog"`, "var _ = catalog.Routes"), "no function links the catalog"},
		{"a scan", code, imported(`"github.com/guregu/dynamo/v2"`, "func all(t dynamo.Table) *dynamo.Scan { return t.Scan() }"), "a scan of the table"},
		{"a scan of the SDK", code, imported(`"github.com/aws/aws-sdk-go-v2/service/dynamodb"`, "var _ dynamodb.ScanInput"), "a scan of the table"},
		{"a key with a family", code, add(`func key(id string) string { return "USER#" + id }`), "a key is built by package store alone"},
		{"a key of parts", code, add(`func key(a, b string) string { return a + "#" + b }`), "a key is built by package store alone"},
		{"a key of a format", code, imported(`"fmt"`, `func key(a, b string) string { return fmt.Sprintf("%s#%s", a, b) }`), "a key is built by package store alone"},
		{"a sample that is no event", "events/bus/outbox-queued.json", func(string) string { return "{}" }, "events/bus/outbox-queued.json: is no event of its kind"},
		{"a sample that is no JSON", "events/http/get-health.json", func(string) string { return "{" }, "events/http/get-health.json"},
	}
	tree, part := small(t)
	before := checks.Check(tree, part)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed := maps.Clone(tree)
			var was string
			if f := tree[tt.file]; f != nil {
				was = string(f.Data)
			}
			if tt.change == nil {
				delete(changed, tt.file)
			} else {
				is := tt.change(was)
				if is == was {
					t.Fatalf("%s is as it was", tt.file)
				}
				changed[tt.file] = &fstest.MapFile{Data: []byte(is)}
			}
			var fresh []string
			for _, f := range checks.Check(changed, part) {
				if !slices.Contains(before, f) {
					fresh = append(fresh, f)
				}
			}
			if !slices.ContainsFunc(fresh, func(f string) bool { return strings.Contains(f, tt.want) }) {
				t.Errorf("Check = %q; want a finding %q", fresh, tt.want)
			}
		})
	}
}

func TestAListThatDrifts(t *testing.T) {
	tree, part := small(t)
	before := checks.Check(tree, part)
	members := slices.Clone(part)
	for n := range members {
		members[n].Tokens = true
	}
	tests := []struct {
		name string
		list []checks.Operation
		want string
	}{
		{"a new route", append(slices.Clone(part), checks.Operation{ID: "receive-nothing", Area: "webhooks", Method: "POST", Path: "/v1/webhooks/stripe"}), "receive-nothing: functions/webhooks/receive-nothing/main.go is not there"},
		{"a new area", append(slices.Clone(part), checks.Operation{ID: "list-tasks", Area: "tasks", Method: "GET", Path: "/v1/tasks"}), `list-tasks: the edge leads /v1/tasks to "meta"`},
		{"a route that takes API tokens", members, "receive-resend: it takes API tokens, and statement TokenUse does not let it"},
		{"a route twice", append(slices.Clone(part), part[0]), "the list has it twice"},
		{"a route that is gone", slices.DeleteFunc(slices.Clone(part), func(o checks.Operation) bool { return o.ID == "receive-resend" }), "functions/webhooks/receive-resend: the list has no such route or job"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			findings := checks.Check(tree, tt.list)
			if !slices.ContainsFunc(findings, func(f string) bool { return strings.Contains(f, tt.want) && !slices.Contains(before, f) }) {
				t.Errorf("Check = %q; want a finding %q", findings, tt.want)
			}
		})
	}
}

func TestWhatIsAllowed(t *testing.T) {
	tree, part := small(t)
	before := checks.Check(tree, part)
	const code = "pkg/notifications/provider.go"
	for _, text := range []string{
		"var errLate = errors.New(\"late\")",
		"var word = regexp.MustCompile(`x`)",
		"var three = [...]int{1, 2, 3}",
		"var _ store.Row = (*Binding)(nil)",
		"func page(id string) string { return \"/docs#\" + id + \"#token=\" }",
		"func age(t, now time.Time) time.Duration { return now.Sub(t) }",
	} {
		changed := maps.Clone(tree)
		changed[code] = &fstest.MapFile{Data: append(slices.Clone(tree[code].Data), "\n"+text+"\n"...)}
		if got := checks.Check(changed, part); !slices.Equal(got, before) {
			t.Errorf("Check with %q = %q; want nothing new", text, got)
		}
	}
}
