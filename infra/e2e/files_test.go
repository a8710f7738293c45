package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/pkg/blob/bucket"
)

// askForUpload announces a file.
func (c *caller) askForUpload(of, parent, name, mediaType string, content []byte) journey.Answer {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/files", Body: journey.Announce(of, parent, name, mediaType, content)})
}

// put uploads with the link of an answer, after a change of it, and gives the status.
func put(t testing.TB, asked journey.Answer, change func(g *journey.Grant), content []byte) int {
	t.Helper()
	g, err := journey.GrantOf(asked)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&g)
	}
	status, err := client().Upload(g, content)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// newFile makes a file of a project that can be downloaded, and gives its path.
func (c *caller) newFile(content string) string {
	c.t.Helper()
	return c.newFileOf("project", c.project(), content)
}

// newFileOf makes a file that hangs on something, and gives its path.
func (c *caller) newFileOf(of, parent, content string) string {
	c.t.Helper()
	asked := c.askForUpload(of, parent, "Notes "+unique()+".txt", "text/plain", []byte(content))
	if got := put(c.t, asked, nil, []byte(content)); got != http.StatusOK {
		c.t.Fatalf("the upload = %d", got)
	}
	path := "/v1/files/" + asked.Text("id")
	c.must(200, journey.Call{Method: "POST", Path: path + "/confirm"})
	return path
}

// fetch follows a link.
func fetch(t testing.TB, link string) (int, []byte) {
	t.Helper()
	res, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

// versions counts the versions of objects, delete markers included, whose keys have a text in them.
func versions(text string) int {
	n := 0
	for _, o := range cloud.S3.Objects() {
		if strings.Contains(o.Key, text) {
			n++
		}
	}
	return n
}

func fileSteps() []step {
	at := func(verb, method string, status int, path string, body any) step {
		return step{operation: verb + "-file", status: status, prepare: func(p *caller) journey.Call {
			file := p.newFile("What " + verb + " is about")
			c := journey.Call{Method: method, Path: file + path, Body: body}
			if method != "GET" {
				c.IfMatch = p.etag(file)
			}
			return c
		}, again: []int{404, 412}}
	}
	return []step{
		{operation: "create-file", status: 201, prepare: func(p *caller) journey.Call {
			body := journey.Announce("project", p.project(), "Notes "+unique()+".txt", "text/plain", []byte("Notes"))
			p.mark = body["name"].(string)
			return journey.Call{Method: "POST", Path: "/v1/files", Body: body, Key: "key-" + unique()}
		}, check: once(func(*caller) string { return "/v1/files?limit=200" })},
		{operation: "confirm-file", status: 200, prepare: func(p *caller) journey.Call {
			asked := p.askForUpload("project", p.project(), "Notes.txt", "text/plain", []byte("Notes"))
			if got := put(p.t, asked, nil, []byte("Notes")); got != http.StatusOK {
				p.t.Fatalf("the upload = %d", got)
			}
			return journey.Call{Method: "POST", Path: "/v1/files/" + asked.Text("id") + "/confirm", Key: "key-" + unique()}
		}},
		at("get", "GET", 200, "", nil),
		at("download", "GET", 200, "/download", nil),
		at("update", "PATCH", 200, "", map[string]any{"name": "Newer notes.txt"}),
		at("delete", "DELETE", 204, "", nil),
	}
}

// TestAnUploadIsJustWhatWasAnnounced uploads by the link as a client does, right and wrong.
func TestAnUploadIsJustWhatWasAnnounced(t *testing.T) {
	p := signUp(t)
	project := p.newProject(p.newClient())
	content := []byte("%PDF-1.7 an offer")
	tests := []struct {
		name   string
		change func(g *journey.Grant)
		body   []byte
	}{
		{"a byte more", nil, append([]byte("x"), content...)},
		{"a byte less", nil, content[1:]},
		{"other bytes", nil, bytes.ToUpper(content)},
		{"another type", func(g *journey.Grant) { g.Headers["content-type"] = "text/html" }, content},
		{"another checksum", func(g *journey.Grant) {
			g.Headers["x-amz-checksum-sha256"] = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
		}, content},
		{"no checksum", func(g *journey.Grant) { delete(g.Headers, "x-amz-checksum-sha256") }, content},
		{"over what is there", func(g *journey.Grant) { delete(g.Headers, "if-none-match") }, content},
		{"another key", func(g *journey.Grant) { g.URL = strings.Replace(g.URL, "/fil_", "/fil_0", 1) }, content},
		{"another organization's key", func(g *journey.Grant) { g.URL = strings.Replace(g.URL, "/org_", "/org_0", 1) }, content},
		{"a reading of it", func(g *journey.Grant) { g.Method = http.MethodGet }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := p.askForUpload("project", project, "Offer.pdf", "application/pdf", content)
			if got := put(t, asked, tt.change, tt.body); got < 400 {
				t.Errorf("the upload = %d; want it refused", got)
			}
			if n := versions(asked.Text("id")); n != 0 {
				t.Errorf("%d objects lie there", n)
			}
			if a := p.call(journey.Call{Method: "POST", Path: "/v1/files/" + asked.Text("id") + "/confirm"}); a.Code() != "upload_missing" {
				t.Errorf("its confirmation = %d %s; want upload_missing", a.Status, a.Body)
			}
		})
	}

	asked := p.askForUpload("project", project, "Offer.pdf", "application/pdf", content)
	path := "/v1/files/" + asked.Text("id")
	if first, second := put(t, asked, nil, content), put(t, asked, nil, content); first != http.StatusOK || second != http.StatusPreconditionFailed {
		t.Errorf("the upload, twice = %d, %d; want 200 and 412", first, second)
	}
	p.must(200, journey.Call{Method: "POST", Path: path + "/confirm"})
	if got := put(t, asked, nil, content); got != http.StatusPreconditionFailed {
		t.Errorf("the upload again after its confirmation = %d; want 412", got)
	}
	link := p.must(200, journey.Call{Method: "GET", Path: path + "/download"}).Text("url")
	if status, body := fetch(t, link); status != http.StatusOK || !bytes.Equal(body, content) {
		t.Errorf("the download = %d %q", status, body)
	}
	late := p.askForUpload("project", project, "Late.pdf", "application/pdf", content)
	cloud.Move(func(c *simclock.Clock) { c.Advance(5*time.Minute + time.Second) })
	if status, _ := fetch(t, link); status != http.StatusForbidden {
		t.Errorf("the download after its time = %d; want 403", status)
	}
	cloud.Move(func(c *simclock.Clock) { c.Advance(10 * time.Minute) })
	if got := put(t, late, nil, content); got != http.StatusForbidden {
		t.Errorf("the upload after its time = %d; want 403", got)
	}
}

// TestADeletedFileLeavesNothing deletes files in every state and looks for what is left, in any version.
func TestADeletedFileLeavesNothing(t *testing.T) {
	p := signUp(t)
	client := p.newClient()
	confirmed := p.newFile("confirmed")
	id := confirmed[len("/v1/files/"):]
	link := p.must(200, journey.Call{Method: "GET", Path: confirmed + "/download"}).Text("url")
	asked := p.askForUpload("client", client, "Notes.txt", "text/plain", []byte("asked"))
	sent := p.askForUpload("client", client, "Notes.txt", "text/plain", []byte("sent"))
	if got := put(t, sent, nil, []byte("sent")); got != http.StatusOK {
		t.Fatalf("the upload = %d", got)
	}
	if a := p.call(journey.Call{Method: "DELETE", Path: "/v1/clients/" + client, IfMatch: "*"}); a.Code() != "client_in_use" {
		t.Errorf("deleting the client = %d %s; want client_in_use", a.Status, a.Body)
	}
	if a := p.call(journey.Call{Method: "DELETE", Path: "/v1/projects/" + p.project(), IfMatch: "*"}); a.Code() != "project_in_use" {
		t.Errorf("deleting the project = %d %s; want project_in_use", a.Status, a.Body)
	}
	for _, path := range []string{confirmed, "/v1/files/" + asked.Text("id"), "/v1/files/" + sent.Text("id")} {
		p.must(204, journey.Call{Method: "DELETE", Path: path, IfMatch: "*"})
		p.must(404, journey.Call{Method: "GET", Path: path})
		p.must(404, journey.Call{Method: "GET", Path: path + "/download"})
	}
	denials := len(cloud.Recorder.Denials())
	if status, _ := fetch(t, link); status != http.StatusForbidden { // who may not list the bucket is not told that it is gone
		t.Errorf("a link to the deleted file = %d; want it to lead nowhere", status)
	}
	cloud.Recorder.ForgiveSince(denials)
	if n := versions(id) + versions(sent.Text("id")); n != 0 {
		t.Errorf("%d versions are left", n)
	}
	if got := put(t, asked, nil, []byte("asked")); got != http.StatusOK { // its link still counts
		t.Fatalf("the late upload = %d", got)
	}
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/clients/" + client, IfMatch: "*"})
	pass(17 * time.Minute)
	if err := p.RunJob(t.Context(), "SweepUploads"); err != nil {
		t.Fatal(err)
	}
	for _, a := range []journey.Answer{asked, sent} {
		if n := versions(a.Text("id")); n != 0 {
			t.Errorf("%d versions are left after the sweep", n)
		}
	}
}

// TestWhatNobodyConfirmsGoes lets uploads lie for a day, and the buckets age.
func TestWhatNobodyConfirmsGoes(t *testing.T) {
	p := signUp(t)
	client := p.newClient()
	kept := p.newFile("kept")
	var paths []string
	for of, parent := range map[string]string{"client": client, "project": p.project()} {
		asked := p.askForUpload(of, parent, "Notes.txt", "text/plain", []byte("never confirmed"))
		if got := put(t, asked, nil, []byte("never confirmed")); got != http.StatusOK {
			t.Fatalf("the upload = %d", got)
		}
		paths = append(paths, "/v1/files/"+asked.Text("id"))
	}
	pass(24*time.Hour + time.Minute)
	p.logIn()
	for range 2 {
		if err := p.RunJob(t.Context(), "SweepUploads"); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
	}
	for _, path := range paths {
		p.must(404, journey.Call{Method: "GET", Path: path})
		if n := versions(path[len("/v1/files/"):]); n != 0 {
			t.Errorf("%d versions are left", n)
		}
	}
	if n := versions(kept[len("/v1/files/"):]); n != 1 {
		t.Errorf("%d versions of the confirmed file are there; want 1 and nothing of its upload", n)
	}
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/clients/" + client, IfMatch: "*"})
}

// TestUploadsMeetChanges lets changes come between what calls about files read and what they write.
func TestUploadsMeetChanges(t *testing.T) {
	p := signUp(t)
	client := p.newClient()
	asked := p.askForUpload("project", p.project(), "Notes.txt", "text/plain", []byte("Notes"))
	path := "/v1/files/" + asked.Text("id")
	if got := put(t, asked, nil, []byte("Notes")); got != http.StatusOK {
		t.Fatalf("the upload = %d", got)
	}
	confirm := journey.Call{Method: "POST", Path: path + "/confirm", Key: "key-" + unique()}
	a := held(p, confirm, "TransactWriteItems", func() {
		p.must(200, journey.Call{Method: "PATCH", Path: path, IfMatch: "*", Body: map[string]any{"name": "Newer.txt"}})
	})
	if a.Status != 200 || a.Text("name") != "Newer.txt" || a.Text("state") != "available" {
		t.Errorf("the confirmation of what was renamed = %d %s; want both", a.Status, a.Body)
	}
	if again := p.must(200, confirm); string(again.Body) != string(a.Body) || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("its repeat = %s; want %s", again.Body, a.Body)
	}
	create := journey.Call{Method: "POST", Path: "/v1/files", Body: journey.Announce("client", client, "Notes.txt", "text/plain", []byte("x")), Key: "key-" + unique()}
	a = held(p, create, "TransactWriteItems", func() {
		p.must(200, journey.Call{Method: "POST", Path: "/v1/clients/" + client + "/archive", IfMatch: "*"})
	})
	if a.Code() != "client_archived" {
		t.Errorf("a file for a client that is archived meanwhile = %d %s; want client_archived", a.Status, a.Body)
	}
	create.Body, create.Key = journey.Announce("project", p.project(), "Notes.txt", "text/plain", []byte("x")), "key-"+unique()
	first := p.must(201, create)
	again := p.must(201, create)
	if again.Text("id") != first.Text("id") || first.Text("upload.url") == "" || again.Text("upload.url") != "" || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat = %s; want %s without its link", again.Body, first.Body)
	}
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/files/" + first.Text("id"), IfMatch: "*"})
	l := p.must(200, journey.Call{Method: "GET", Path: "/v1/files?parent_type=project&parent_id=" + p.project()})
	if l.Text("data.0.id") != asked.Text("id") {
		t.Errorf("the list of the project = %s", l.Body)
	}
}

// TestTheSweepEndsWhatADeletionCouldNot deletes a file while no object can be deleted.
func TestTheSweepEndsWhatADeletionCouldNot(t *testing.T) {
	p := signUp(t)
	path := p.newFile("hard to delete")
	id := path[len("/v1/files/"):]
	mark := "broken-" + unique()
	if err := cloud.Faults.Add(calls.Plan{RequestID: mark, Service: "s3", Operation: "DeleteObject", Kind: "error", Times: -1}); err != nil {
		t.Fatal(err)
	}
	p.must(204, journey.Call{Method: "DELETE", Path: path, IfMatch: "*", Headers: map[string]string{"X-Local-Request": mark}})
	if cloud.Faults.Forget(mark) == 0 || versions(id) == 0 {
		t.Fatal("the fault did not come")
	}
	pass(17 * time.Minute)
	if err := p.RunJob(t.Context(), "SweepUploads"); err != nil {
		t.Fatal(err)
	}
	if n := versions(id); n != 0 {
		t.Errorf("%d versions are left", n)
	}
}

// TestTheFilesOfATicket hangs files on tickets. Who asked sees, names and deletes what others hang on theirs, and nothing that
// hangs on a ticket which they do not see. A ticket counts its files, an upload that never came for a day alone.
func TestTheFilesOfATicket(t *testing.T) {
	owner := signUp(t)
	grace, _ := owner.colleague("manager")
	at, others := grace.newTicket(), owner.newTicket()
	ticket := at[strings.LastIndex(at, "/")+1:]
	hidden := owner.newFileOf("ticket", others[strings.LastIndex(others, "/")+1:], "not for everybody")
	for _, c := range []journey.Call{{Method: "GET", Path: hidden}, {Method: "GET", Path: hidden + "/download"}, {Method: "POST", Path: hidden + "/confirm"},
		{Method: "PATCH", Path: hidden, IfMatch: "*", Body: map[string]any{"name": "Mine.txt"}}, {Method: "DELETE", Path: hidden, IfMatch: "*"}} {
		if a := grace.call(c); a.Code() != "file_not_found" {
			t.Errorf("%s of a file of a ticket that one does not see = %d %s; want file_not_found", c.Method, a.Status, a.Code())
		}
	}
	list := func(p *caller, parent string) journey.Answer {
		t.Helper()
		return p.call(journey.Call{Method: "GET", Path: "/v1/files?parent_type=ticket&parent_id=" + parent[strings.LastIndex(parent, "/")+1:]})
	}
	if a := list(grace, others); a.Code() != "ticket_not_found" {
		t.Errorf("the files of such a ticket = %d %s; want ticket_not_found", a.Status, a.Body)
	}

	asked := owner.askForUpload("ticket", ticket, "Screen.txt", "text/plain", []byte("how it looks"))
	if got := put(t, asked, nil, []byte("how it looks")); got != http.StatusOK {
		t.Fatalf("the upload = %d", got)
	}
	path := "/v1/files/" + asked.Text("id")
	grace.must(200, journey.Call{Method: "POST", Path: path + "/confirm"})
	link := grace.must(200, journey.Call{Method: "GET", Path: path + "/download"}).Text("url")
	if status, body := fetch(t, link); status != http.StatusOK || string(body) != "how it looks" {
		t.Errorf("the download = %d %q", status, body)
	}
	grace.must(200, journey.Call{Method: "PATCH", Path: path, IfMatch: grace.etag(path), Body: map[string]any{"name": "Screen of Monday.txt"}})
	owner.askForUpload("ticket", ticket, "Never came.txt", "text/plain", []byte("late"))
	if a := list(grace, at); a.Text("data.0.name") != "Never came.txt" || a.Text("data.1.name") != "Screen of Monday.txt" {
		t.Errorf("the files of the ticket = %s; want both, the newest first", a.Body)
	}
	grace.must(204, journey.Call{Method: "DELETE", Path: path, IfMatch: "*"})
	if n := versions(asked.Text("id")); n != 0 {
		t.Errorf("%d versions are left", n)
	}
	count := func(want string) {
		t.Helper()
		if a := owner.must(200, journey.Call{Method: "GET", Path: at}); a.Text("file_count") != want {
			t.Errorf("the ticket counts %s files; want %s", a.Text("file_count"), want)
		}
	}
	count("1")
	pass(24*time.Hour + time.Minute)
	if err := owner.RunJob(t.Context(), "SweepUploads"); err != nil {
		t.Fatal(err)
	}
	owner.logIn()
	count("0")
	owner.must(200, journey.Call{Method: "POST", Path: at + "/close", IfMatch: "*"})
	if a := owner.call(journey.Call{Method: "POST", Path: "/v1/files", Body: journey.Announce("ticket", ticket, "Late.txt", "text/plain", []byte("late"))}); a.Code() != "ticket_closed" {
		t.Errorf("a file of a closed ticket = %d %s; want ticket_closed", a.Status, a.Body)
	}
}

// past reaches a bucket past the functions and their roles.
func past(logical string) *bucket.Bucket {
	return bucket.New(aws.Config{Region: template.Region, BaseEndpoint: &cloud.Objects,
		Credentials: credentials.NewStaticCredentialsProvider(identity.Root, identity.RootSecret, "")}, "pixeltrack-local-"+logical, cloud.Clock.Now)
}

// TestAnExportHoldsTheFiles asks for all a person has, and finds the file that they uploaded, whole, though the bytes of
// another have gone.
func TestAnExportHoldsTheFiles(t *testing.T) {
	p := signUp(t)
	content := "what is mine " + unique()
	path := p.newFile(content)
	gone := p.newFile("gone")
	if n, err := past("files").Remove(t.Context(), "ORG/"+p.organization+"/"+gone[len("/v1/files/"):]); n != 1 || err != nil {
		t.Fatalf("removed %d objects, %v; want 1", n, err)
	}
	p.must(201, journey.Call{Method: "POST", Path: "/v1/dsr", Body: map[string]any{"type": "access", "description": "Everything, please."}})
	id := p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr"}).Text("data.0.id")
	p.settle()
	if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	link := p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + id + "/download"}).Text("url")
	status, archive := fetch(t, link)
	if status != http.StatusOK {
		t.Fatalf("the package = %d", status)
	}
	text, err := journey.CheckPackage(archive)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(content))
	for _, want := range []string{content, path[len("/v1/files/"):], hex.EncodeToString(sum[:])} {
		if !strings.Contains(text, want) {
			t.Errorf("the package does not hold %q", want)
		}
	}
}

// TestALargePackageIsWrittenInParts exports a file of more than one part, while the bucket of packages fails and when it
// works again.
func TestALargePackageIsWrittenInParts(t *testing.T) {
	p := signUp(t)
	content := make([]byte, 20<<20)
	if _, err := rand.NewChaCha8([32]byte{1}).Read(content); err != nil { // it cannot be compressed
		t.Fatal(err)
	}
	asked := p.askForUpload("project", p.project(), "Film.bin", "application/octet-stream", content)
	if got := put(t, asked, nil, content); got != http.StatusOK {
		t.Fatalf("the upload = %d", got)
	}
	p.must(200, journey.Call{Method: "POST", Path: "/v1/files/" + asked.Text("id") + "/confirm"})
	broken := calls.Plan{Function: "BuildExport", Service: "s3", Operation: "CompleteMultipartUpload", Kind: "error", Times: -1}
	if err := cloud.Faults.Add(broken); err != nil {
		t.Fatal(err)
	}
	id := p.askFor(map[string]any{"type": "access", "description": "Everything, please."})
	work := func() {
		t.Helper()
		p.settle()
		if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
			t.Fatal(err)
		}
		p.settle()
	}
	work()
	p.must(404, journey.Call{Method: "GET", Path: "/v1/dsr/" + id + "/download"})
	if n := versions(p.user + "/exp_"); n != 0 {
		t.Errorf("%d packages are there; want none", n)
	}
	if cloud.Faults.Forget("") == 0 {
		t.Error("the fault did not come")
	}
	cloud.Lambda.TakeDeadLetters()
	pass(leaseTime)
	work()
	p.logIn()
	link := p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + id + "/download"}).Text("url")
	status, archive := fetch(t, link)
	if status != http.StatusOK {
		t.Fatalf("the package = %d", status)
	}
	text, err := journey.CheckPackage(archive)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, string(content)) {
		t.Error("the package does not hold the file")
	}
}

// TestAnOrganizationTakesItsFilesAlong purges an organization with files in both buckets, by the schedule and by TTL.
func TestAnOrganizationTakesItsFilesAlong(t *testing.T) {
	for name, purge := range map[string]func(p *caller) error{
		"schedule": func(p *caller) error { return p.RunJob(t.Context(), "SweepRetention") },
		"wake": func(p *caller) error { // the lifecycle of the bucket comes with it, and spares what is new
			if err := past("incoming").Put(t.Context(), "ORG/"+p.organization+"/fil_late", "text/plain", strings.NewReader("late")); err != nil {
				return err
			}
			return p.Sweep(t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := signUp(t)
			p.newFile("theirs")
			asked := p.askForUpload("project", p.project(), "Notes.txt", "text/plain", []byte("pending"))
			if got := put(t, asked, nil, []byte("pending")); got != http.StatusOK {
				t.Fatalf("the upload = %d", got)
			}
			p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
			p.settle()
			pass(2 * time.Minute)
			if err := p.RunJob(t.Context(), "CloseOrganizations"); err != nil {
				t.Fatal(err)
			}
			p.settle()
			if n := versions(p.organization); n != 4 { // the file, its sealed place, the upload, and the organization's export
				t.Errorf("%d versions before the purge; want 4", n)
			}
			pass(30*24*time.Hour + time.Minute)
			if err := purge(p); err != nil {
				t.Fatal(err)
			}
			p.settle()
			if n := versions(p.organization); n != 0 {
				t.Errorf("%d versions are left", n)
			}
			if err := p.RunJob(t.Context(), "SweepUploads"); err != nil {
				t.Fatal(err)
			}
			rows, err := cloud.Rows(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if pk, _ := r["PK"].(string); strings.HasPrefix(pk, "DUE#upload") && strings.Contains(fmt.Sprint(r), p.organization) {
					t.Errorf("a clock is left: %v", r)
				}
			}
		})
	}
}

// TestAnErasureByRequestLooksIntoEveryBucket erases an account that has objects of its own in the buckets of files, as
// none of today's routes makes them.
func TestAnErasureByRequestLooksIntoEveryBucket(t *testing.T) {
	p := signUp(t)
	for _, bucket := range []string{"files", "incoming"} {
		if err := past(bucket).Put(t.Context(), "USER/"+p.user+"/mine", "text/plain", strings.NewReader("mine")); err != nil {
			t.Fatal(err)
		}
	}
	p.askFor(map[string]any{"type": "erasure", "at_once": true, "description": "Now, please."})
	for range 3 {
		p.settle()
		pass(16 * time.Minute)
		if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
			t.Fatal(err)
		}
	}
	if n := versions(p.user); n != 0 {
		t.Errorf("%d versions are left", n)
	}
}
