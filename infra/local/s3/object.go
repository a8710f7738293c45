package s3

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pixeltrack.io/platform/infra/local/template"
)

// maxMetadata is how long the names and values of a caller's own metadata may be together.
const maxMetadata = 2 << 10

// maxObject is the most that one PUT may carry: 5 GB.
const maxObject = 5 << 30

func (s *Server) putObject(c *call) error {
	if err := s.allow(c, "s3:PutObject", c.key); err != nil {
		return err
	}
	v, err := s.describe(c)
	if err != nil {
		return err
	}
	if err := lockedByDigest(v, c.r.Header); err != nil {
		return err
	}
	got, err := s.body(c, maxObject)
	if err != nil {
		return err
	}
	v.size, v.etag, v.checksums, v.segments = got.size, got.etag(), got.checksums, []segment{got.segment}
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	if err := checkWrite(c); err != nil {
		erase(v.segments)
		return err
	}
	s.shelf.put(c.bucket, v)
	s.answerWritten(c, v)
	c.w.Header().Set("ETag", v.etag)
	v.writeChecksums(c.w.Header())
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// body receives the content of a request.
func (s *Server) body(c *call, max int64) (*received, error) {
	content, err := c.signed.Body(c.r, c.trailer)
	if err != nil {
		return nil, err
	}
	length, err := contentLength(c)
	if err != nil {
		return nil, err
	}
	if length > max {
		return nil, errTooLarge
	}
	got, err := s.shelf.receive(content, c.r.Header, c.trailer, max)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errIncomplete
	}
	if err != nil {
		return nil, err
	}
	if got.size != length {
		erase([]segment{got.segment})
		return nil, errIncomplete
	}
	return got, nil
}

func contentLength(c *call) (int64, error) {
	if !c.signed.Chunked() {
		if c.r.ContentLength < 0 {
			return 0, errNoLength
		}
		return c.r.ContentLength, nil
	}
	n, err := strconv.ParseInt(c.r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return 0, errNoLength
	}
	return n, nil
}

// kept are the headers of a PUT that come back with a GET.
func kept() []string {
	return []string{"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language", "Cache-Control", "Expires",
		"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "X-Amz-Storage-Class", "X-Amz-Website-Redirect-Location"}
}

// describe reads from a request's headers what is to be known of a new object.
func (s *Server) describe(c *call) (*version, error) {
	v := &version{key: c.key, created: s.now(), header: http.Header{}}
	for _, name := range kept() {
		if value := c.r.Header.Get(name); value != "" {
			v.header.Set(name, value)
		}
	}
	size := 0
	for name, values := range c.r.Header {
		if own, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			v.header[name] = slices.Clone(values)
			size += len(own) + len(strings.Join(values, ","))
		}
	}
	if size > maxMetadata {
		return nil, errMetadata
	}
	if rest := plainEncoding(v.header.Get("Content-Encoding")); rest != "" {
		v.header.Set("Content-Encoding", rest)
	} else {
		v.header.Del("Content-Encoding")
	}
	if v.header.Get("Content-Type") == "" {
		v.header.Set("Content-Type", "binary/octet-stream")
	}
	if err := c.bucket.encrypt(v.header); err != nil {
		return nil, err
	}
	var err error
	if v.tags, err = parseTags(c.r.Header.Get("X-Amz-Tagging")); err != nil {
		return nil, err
	}
	return v, c.bucket.retain(v, c.r.Header)
}

// lockedByDigest holds a write under a lock to S3's wish for a digest of the body.
func lockedByDigest(v *version, h http.Header) error {
	algorithm, err := wanted(h)
	if err == nil && algorithm == "" && h.Get("Content-Md5") == "" && (v.lockMode != "" || v.legalHold) {
		return &problem{http.StatusBadRequest, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"}
	}
	return err
}

// plainEncoding leaves out the encoding of the transfer.
func plainEncoding(text string) string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "aws-chunked" }), ",")
}

func (b *bucket) encrypt(h http.Header) error {
	switch h.Get("X-Amz-Server-Side-Encryption") {
	case "":
	case "AES256", "aws:kms", "aws:kms:dsse":
		return nil
	default:
		return &problem{http.StatusBadRequest, "InvalidEncryptionAlgorithmError", "The encryption request you specified is not valid. The valid value is AES256."}
	}
	h.Set("X-Amz-Server-Side-Encryption", b.Encryption)
	if b.KMSKeyID != "" {
		h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", b.KMSKeyID)
	}
	return nil
}

func parseTags(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errTags
	}
	tags := map[string]string{}
	for name, all := range values {
		switch {
		case len(all) > 1:
			return nil, errTags
		case name == "" || utf8.RuneCountInString(name) > 128:
			return nil, &problem{http.StatusBadRequest, "InvalidTag", "The TagKey you have provided is invalid"}
		case utf8.RuneCountInString(all[0]) > 256:
			return nil, &problem{http.StatusBadRequest, "InvalidTag", "The TagValue you have provided is invalid"}
		}
		tags[name] = all[0]
	}
	return tags, nil
}

// retain gives a new version its Object Lock: the request's own, or the bucket's.
func (b *bucket) retain(v *version, h http.Header) error {
	mode, until, hold := h.Get("X-Amz-Object-Lock-Mode"), h.Get("X-Amz-Object-Lock-Retain-Until-Date"), h.Get("X-Amz-Object-Lock-Legal-Hold")
	if b.Lock == nil {
		if mode != "" || until != "" || hold != "" {
			return &problem{http.StatusBadRequest, "InvalidRequest", "Bucket is missing Object Lock Configuration"}
		}
		return nil
	}
	if hold != "" && hold != "ON" && hold != "OFF" {
		return &problem{http.StatusBadRequest, "InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'"}
	}
	v.legalHold = hold == "ON"
	if mode == "" && until == "" {
		if b.Lock.Days > 0 {
			v.lockMode, v.lockedUntil = b.Lock.Mode, v.created.Add(time.Duration(b.Lock.Days)*24*time.Hour)
		}
		return nil
	}
	at, err := time.Parse(time.RFC3339, until)
	if err != nil || mode != "GOVERNANCE" && mode != "COMPLIANCE" || !at.After(v.created) {
		return &problem{http.StatusBadRequest, "InvalidArgument", "The retain until date must be in the future and the mode must be GOVERNANCE or COMPLIANCE"}
	}
	v.lockMode, v.lockedUntil = mode, at
	return nil
}

// checkWrite judges the conditions of a write. The caller holds the lock.
func checkWrite(c *call) error {
	now := c.bucket.current(c.key)
	if want := c.r.Header.Get("If-None-Match"); want != "" {
		if want != "*" {
			return errNotBuilt
		}
		if now != nil {
			return errPrecondition
		}
	}
	if want := c.r.Header.Get("If-Match"); want != "" {
		if now == nil {
			return errNoKey
		}
		if now.etag != quoted(want) {
			return errPrecondition
		}
	}
	return nil
}

func quoted(etag string) string { return `"` + strings.Trim(etag, `"`) + `"` }

// answerWritten sets the headers of a write that succeeded.
func (s *Server) answerWritten(c *call, v *version) {
	h := c.w.Header()
	if c.bucket.Versioning {
		h.Set("X-Amz-Version-Id", v.id)
	}
	for _, name := range []string{"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"} {
		if value := v.header.Get(name); value != "" {
			h.Set(name, value)
		}
	}
}

func (v *version) writeChecksums(h http.Header) {
	writeSums(h, v.checksums)
	if len(v.checksums) > 0 {
		h.Set("X-Amz-Checksum-Type", v.checksumType())
	}
}

func writeSums(h http.Header, sums map[string]string) {
	for a, sum := range sums {
		h.Set(checksumHeader+a, sum)
	}
}

func (v *version) checksumType() string {
	if v.composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// getObject answers GET and HEAD.
func (s *Server) getObject(c *call) error {
	action := "s3:GetObject"
	if c.query.Get("versionId") != "" {
		action = "s3:GetObjectVersion"
	}
	if err := s.allow(c, action, c.key); err != nil {
		return err
	}
	if c.query.Has("partNumber") {
		return errNotBuilt
	}
	v, err := s.open(c, c.bucket, c.key, c.query.Get("versionId"))
	if err != nil {
		return err
	}
	defer s.shelf.release(v)
	if err := checkRead(c.r.Header, "", v); err != nil {
		if errors.Is(err, errNotModified) {
			c.w.Header().Set("ETag", v.etag)
		}
		return err
	}
	first, length, partial, err := parseRange(c.r.Header.Get("Range"), v.size)
	if err != nil {
		return err
	}
	v.writeHeader(c, partial)
	status := http.StatusOK
	if partial {
		c.w.Header().Set("Content-Range", "bytes "+strconv.FormatInt(first, 10)+"-"+strconv.FormatInt(first+length-1, 10)+"/"+strconv.FormatInt(v.size, 10))
		status = http.StatusPartialContent
	}
	c.w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if err := copyRange(c.w, v.segments, first, length); err != nil {
		panic(http.ErrAbortHandler) // the status is out: all that is left is to break the connection
	}
	return nil
}

// open finds a version to read and holds it. Who may not list the bucket is not told that a key is missing.
func (s *Server) open(c *call, b *bucket, key, id string) (*version, error) {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	v := b.current(key)
	if id != "" {
		v = b.find(key, id)
	}
	switch {
	case id != "" && !isVersion(id):
		return nil, errVersionID
	case v == nil && s.allowBucket(c, b, "s3:ListBucket") != nil:
		return nil, errDenied
	case v == nil && id != "":
		return nil, errNoVersion
	case v == nil:
		if n := len(b.objects[key]); n > 0 && c.r.Header.Get("X-Amz-Copy-Source") == "" {
			c.w.Header().Set("X-Amz-Delete-Marker", "true")
			c.w.Header().Set("X-Amz-Version-Id", b.objects[key][n-1].id)
		}
		return nil, errNoKey
	case v.marker:
		c.w.Header().Set("X-Amz-Delete-Marker", "true")
		c.w.Header().Set("Last-Modified", v.created.UTC().Format(http.TimeFormat))
		return nil, errMethod
	}
	s.shelf.hold(v)
	return v, nil
}

// checkRead judges the conditions of a read; prefix is that of the headers of a copy's source. As in RFC 9110 a condition
// on the tag goes before one on the time.
func checkRead(h http.Header, prefix string, v *version) error {
	second := v.created.Truncate(time.Second)
	if want := h.Get(prefix + "If-Match"); want != "" {
		if !v.matches(want) {
			return errPrecondition
		}
	} else if at, err := http.ParseTime(h.Get(prefix + "If-Unmodified-Since")); err == nil && second.After(at) {
		return errPrecondition
	}
	known := false
	if not := h.Get(prefix + "If-None-Match"); not != "" {
		known = v.matches(not)
	} else if at, err := http.ParseTime(h.Get(prefix + "If-Modified-Since")); err == nil {
		known = !second.After(at)
	}
	switch {
	case known && prefix != "":
		return errPrecondition
	case known:
		return errNotModified
	}
	return nil
}

func (v *version) matches(etag string) bool { return etag == "*" || quoted(etag) == v.etag }

func (v *version) writeHeader(c *call, partial bool) {
	h := c.w.Header()
	maps.Copy(h, v.header)
	h.Set("ETag", v.etag)
	h.Set("Last-Modified", v.created.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if c.bucket.Versioning {
		h.Set("X-Amz-Version-Id", v.id)
	}
	if len(v.tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(v.tags)))
	}
	if v.lockMode != "" {
		h.Set("X-Amz-Object-Lock-Mode", v.lockMode)
		h.Set("X-Amz-Object-Lock-Retain-Until-Date", stamp(v.lockedUntil))
	}
	if v.legalHold {
		h.Set("X-Amz-Object-Lock-Legal-Hold", "ON")
	}
	if c.r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && !partial {
		v.writeChecksums(h)
	}
	for name, values := range c.query {
		if header, ok := strings.CutPrefix(name, "response-"); ok {
			h.Set(header, values[0])
		}
	}
}

// parseRange reads a Range header of one range. What is not one counts as absent.
func parseRange(text string, size int64) (first, length int64, partial bool, err error) {
	whole := func() (int64, int64, bool, error) { return 0, size, false, nil }
	spec, ok := strings.CutPrefix(text, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return whole()
	}
	if from == "" {
		n, err := position(to)
		if err != nil {
			return whole()
		}
		if n == 0 {
			return 0, 0, false, errInvalidRange
		}
		if size == 0 { // satisfied by RFC 9110, though there is no range to name
			return whole()
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	first, err = position(from)
	if err != nil {
		return whole()
	}
	last := size - 1
	if to != "" {
		if last, err = position(to); err != nil || last < first {
			return whole()
		}
	}
	if first >= size {
		return 0, 0, false, errInvalidRange
	}
	return first, min(last, size-1) - first + 1, true, nil
}

// position reads a number of a range: digits alone.
func position(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err
}

func (s *Server) headBucket(c *call) error {
	if err := s.allowBucket(c, c.bucket, "s3:ListBucket"); err != nil {
		return err
	}
	c.w.Header().Set("X-Amz-Bucket-Region", template.Region)
	c.w.Header().Set("X-Amz-Access-Point-Alias", "false")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// stamp is a time as S3 writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
