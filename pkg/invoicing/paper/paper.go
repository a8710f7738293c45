// Package paper renders invoices as PDF documents. The same invoice gives the same bytes whenever it is rendered. The
// letters are those of the Go fonts, which know the Latin, Greek and Cyrillic scripts; what they do not know is shown as a
// question mark.
package paper

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// Invoice is what stands on the paper. Amounts are written already: the calculator's, with their currency.
type Invoice struct {
	Number    string
	IssuedOn  string
	DueOn     string
	Order     string // the client's number of the order; may be empty
	Issuer    []string
	Logo      []byte   // the issuer's, a PNG; may be empty
	Recipient []string // empty when the person is gone
	Lines     []Line
	Sums      []Sum
	Total     Sum
	Notes     []string
	At        time.Time // when the invoice was issued; the document's own date
}

// Line is one row of the table.
type Line struct {
	Description string
	Quantity    string
	Price       string
	Taxes       string
	Amount      string
}

// Sum is an amount with its name.
type Sum struct{ Name, Amount string }

const (
	family  = "go"
	margin  = 18.0 // mm, as all lengths
	right   = 210 - margin
	bottom  = 297 - margin - 8
	small   = 8.0 // points
	normal  = 9.5
	large   = 20.0
	spacing = 4.8
)

// widths of the columns of the table.
var widths = [...]float64{78, 20, 28, 20, 28}

// Render writes an invoice.
func Render(in Invoice) ([]byte, error) {
	known, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("paper: read the font: %w", err)
	}
	p := &page{pdf: fpdf.New("P", "mm", "A4", ""), font: known}
	p.pdf.SetCatalogSort(true)
	p.pdf.SetCreationDate(in.At.UTC())
	p.pdf.SetModificationDate(in.At.UTC())
	p.pdf.SetProducer("PixelTrack", true)
	p.pdf.SetTitle(p.clean("Invoice "+in.Number), true)
	p.pdf.AddUTF8FontFromBytes(family, "", goregular.TTF)
	p.pdf.AddUTF8FontFromBytes(family, "B", gobold.TTF)
	p.pdf.SetMargins(margin, margin, margin)
	p.pdf.SetAutoPageBreak(false, 0)
	p.pdf.AliasNbPages("{pages}")
	p.pdf.SetFooterFunc(func() {
		p.write("", small)
		p.pdf.SetXY(margin, 297-margin)
		p.cell(right-margin, p.clean(in.Number)+fmt.Sprintf("  ·  %d / {pages}", p.pdf.PageNo()), "C")
	})
	p.pdf.AddPage()
	if err := p.head(in); err != nil {
		return nil, err
	}
	p.table(in.Lines)
	p.sums(in)
	p.notes(in.Notes)
	var out bytes.Buffer
	if err := p.pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("paper: write: %w", err)
	}
	return out.Bytes(), nil
}

type page struct {
	pdf  *fpdf.Fpdf
	font *sfnt.Font
	buf  sfnt.Buffer
}

// clean gives a text in the letters that the font has.
func (p *page) clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r < ' ' || r == 0x7f:
			return -1
		case r > 0xffff:
			return '?'
		}
		if g, err := p.font.GlyphIndex(&p.buf, r); err != nil || g == 0 {
			return '?'
		}
		return r
	}, norm.NFC.String(text))
}

func (p *page) write(style string, size float64) { p.pdf.SetFont(family, style, size) }

func (p *page) cell(width float64, text, align string) {
	p.pdf.CellFormat(width, spacing, text, "", 0, align, false, 0, "")
}

// block writes lines under each other and gives where they end.
func (p *page) block(x, y float64, lines []string) float64 {
	for _, l := range lines {
		for _, part := range p.split(l, 90) {
			p.pdf.SetXY(x, y)
			p.cell(90, part, "L")
			y += spacing
		}
	}
	return y
}

// split breaks a text into lines of a width; a word that is too long is broken.
func (p *page) split(text string, width float64) []string {
	var all []string
	for _, part := range strings.Split(p.clean(text), "\n") {
		if part == "" {
			all = append(all, "")
			continue
		}
		all = append(all, p.pdf.SplitText(part, width-2)...)
	}
	return all
}

func (p *page) head(in Invoice) error {
	p.write("B", large)
	p.pdf.SetXY(margin, margin)
	p.cell(right-margin, "INVOICE", "R")
	p.write("", normal)
	y, err := p.logo(in.Logo)
	if err != nil {
		return err
	}
	y = p.block(margin, y, in.Issuer)
	y = max(y, margin+12) + 8
	top := y
	y = p.block(margin, y, in.Recipient)
	facts := []Sum{{"Number", in.Number}, {"Date", in.IssuedOn}, {"Due", in.DueOn}}
	if in.Order != "" {
		facts = append(facts, Sum{"Your order", in.Order})
	}
	for n, f := range facts {
		p.pdf.SetXY(right-80, top+float64(n)*spacing)
		p.cell(30, f.Name, "L")
		p.cell(50, p.clean(f.Amount), "R")
	}
	p.pdf.SetY(max(y, top+float64(len(facts))*spacing) + 8)
	return nil
}

// logo draws the issuer's logo within 50 by 20 mm, and gives where what follows begins.
func (p *page) logo(png []byte) (float64, error) {
	if len(png) == 0 {
		return margin, nil
	}
	kind := fpdf.ImageOptions{ImageType: "PNG"}
	info := p.pdf.RegisterImageOptionsReader("logo", kind, bytes.NewReader(png))
	if err := p.pdf.Error(); err != nil {
		return 0, fmt.Errorf("paper: read the logo: %w", err)
	}
	scale := min(50/info.Width(), 20/info.Height())
	p.pdf.ImageOptions("logo", margin, margin, info.Width()*scale, info.Height()*scale, false, kind, 0, "")
	return margin + info.Height()*scale + spacing, nil
}

// room begins a new page unless there is room for so much, and says whether it did.
func (p *page) room(height float64) bool {
	if p.pdf.GetY()+height <= bottom {
		return false
	}
	p.pdf.AddPage()
	p.pdf.SetY(margin)
	return true
}

func (p *page) titles() {
	p.write("B", normal)
	p.row([]string{"Description"}, "Quantity", "Price", "Tax", "Amount")
	p.rule()
	p.write("", normal)
}

func (p *page) rule() {
	y := p.pdf.GetY() + 1
	p.pdf.Line(margin, y, right, y)
	p.pdf.SetY(y + 1)
}

func (p *page) row(description []string, cells ...string) {
	y := p.pdf.GetY()
	x := margin + widths[0]
	for n, c := range cells {
		p.pdf.SetXY(x, y)
		p.cell(widths[n+1], c, "R")
		x += widths[n+1]
	}
	for _, d := range description {
		p.pdf.SetXY(margin, y)
		p.cell(widths[0], d, "L")
		y += spacing
	}
	p.pdf.SetY(y)
}

func (p *page) table(lines []Line) {
	p.titles()
	for _, l := range lines {
		description := p.split(l.Description, widths[0])
		if p.room(float64(len(description)) * spacing) {
			p.titles()
		}
		p.row(description, p.clean(l.Quantity), l.Price, l.Taxes, l.Amount)
	}
	p.rule()
}

func (p *page) sums(in Invoice) {
	p.room(float64(len(in.Sums)+2) * spacing)
	for _, s := range in.Sums {
		p.sum(s)
	}
	p.write("B", normal)
	p.sum(in.Total)
	p.write("", normal)
}

func (p *page) sum(s Sum) {
	y := p.pdf.GetY()
	p.pdf.SetXY(right-100, y)
	p.cell(60, p.clean(s.Name), "L")
	p.cell(40, s.Amount, "R")
	p.pdf.SetY(y + spacing)
}

func (p *page) notes(notes []string) {
	for _, n := range notes {
		p.pdf.SetY(p.pdf.GetY() + spacing)
		for _, l := range p.split(n, right-margin) {
			p.room(spacing)
			y := p.pdf.GetY()
			p.pdf.SetXY(margin, y)
			p.cell(right-margin, l, "L")
			p.pdf.SetY(y + spacing)
		}
	}
}
