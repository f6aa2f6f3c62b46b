#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Field tables (conf/standards/*.tsv) become C tables and XML Schemas.  It
# decides how a standard is put together from its base and its own rows; it
# knows no field, section or standard by name.  Same input, same output.
#
#     generate.pl --standards DIR --out DIR --xsd DIR [--pages DIR]

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use Getopt::Long;

use constant FIELDS_MAX => 128;    # EHR_FIELDS_MAX in ehr_table.h

my %TYPE = (
    's'        => 'TEXT',
    'n'        => 'NUMBER',
    'dt8'      => 'DATE',
    'dt12'     => 'TIME',
    'dt8|dt12' => 'DATE_OR_TIME',
    'birth'    => 'BIRTH',
    'dt14'     => 'SECOND',
    'day'      => 'DAY',
    'dmy'      => 'DMY',
    'sb'       => 'BYTES',
    'b64'      => 'BASE64',
);
my %REQUIRED = (
    no          => 0,
    conditional => 1,
    yes         => 2,
    dropped     => -1,
);
my @REQUIRED_NAME = qw(NO CONDITIONAL YES);

# Patterns of the types in XML Schema; years as EHR_YEAR_MIN in ehr_field.c.

my $YEAR = '(1[89]|[2-9][0-9])[0-9]{2}';
my $LEAP = '((1[89]|[2-9][0-9])(0[48]|[2468][048]|[13579][26])'
    . '|(2[048]|[3579][26]|[468][048])00)';
my $DATE = "$YEAR((0[13578]|1[02])(0[1-9]|[12][0-9]|3[01])"
    . '|(0[469]|11)(0[1-9]|[12][0-9]|30)|02(0[1-9]|1[0-9]|2[0-8]))'
    . "|${LEAP}0229";
my $HOUR = '([01][0-9]|2[0-3])[0-5][0-9]';
my %PATTERN = (
    'n'        => '-?[0-9]+(\.[0-9]+)?',
    'dt8'      => $DATE,
    'dt12'     => "($DATE)$HOUR",
    'dt8|dt12' => "($DATE)($HOUR)?",
    'birth'    => "($DATE|${YEAR}0000)$HOUR",
    'dt14'     => "($DATE)$HOUR" . '[0-5][0-9]',
    'day'      => "($DATE|$YEAR)",
);

# dd/MM/yyyy: a leap year's pattern ends in its day, so it is turned around.

$PATTERN{dmy} = '((0[1-9]|[12][0-9]|3[01])/(0[13578]|1[02])'
    . '|(0[1-9]|[12][0-9]|30)/(0[469]|11)'
    . "|(0[1-9]|1[0-9]|2[0-8])/02)/$YEAR|29/02/$LEAP";

my ($in, $out, $xsd, $pages);
GetOptions('standards=s' => \$in, 'out=s' => \$out, 'xsd=s' => \$xsd,
    'pages=s' => \$pages)
    && $in && $out && $xsd
    or die "usage: $0 --standards DIR --out DIR --xsd DIR [--pages DIR]\n";

main();


sub main {
    my @sections  = read_table("$in/sections.tsv");
    my @listed    = read_table("$in/standards.tsv");
    my @standards = sort { $a->{valid_from} <=> $b->{valid_from}
            || $a->{standard} cmp $b->{standard} } @listed;
    my %tables;

    # in the order of the file: a base stands before what is built on it
    for my $standard (@listed) {
        my $name = $standard->{standard};

        for my $section (@sections) {
            my $base = $tables{ $standard->{base} }{ $section->{section} };
            my $own  = "$in/$name/$section->{section}.tsv";
            my @own  = -e $own ? read_table($own) : ();

            # a file without a row: the standard has no such section
            my @rows = -e $own && !@own ? () : merge($base, @own);

            @rows <= FIELDS_MAX or die "$own: too many fields\n";
            $tables{$name}{ $section->{section} } = \@rows if @rows;
        }
    }

    number_fields(\@standards, \@sections, \%tables);

    make_path($out);
    write_file("$out/ehr_fields.h", field_ids(\@sections));
    write_file("$out/ehr_tables.h", header());
    write_file("$out/ehr_tables.c",
        source(\@standards, \@sections, \%tables));

    for my $standard (map { $_->{standard} } @standards) {
        make_path("$xsd/$standard");

        for my $section (grep { $tables{$standard}{ $_->{section} }
                && $_->{inside} ne 'json' } @sections)
        {
            write_file("$xsd/$standard/$section->{section}.xsd",
                schema($section, $tables{$standard}{ $section->{section} }));
        }
    }

    write_pages({ standards => \@standards, sections => \@sections,
        tables => \%tables }) if $pages;
}


# --- reading ----------------------------------------------------------------


# Rows as hashes by column name; "-" stands for nothing.

sub read_table {
    my ($path) = @_;

    open my $file, '<:raw', $path or die "$path: $!\n";
    chomp(my @lines = <$file>);
    close $file or die "$path: $!\n";

    my @names = split /\t/, shift @lines;
    my @rows;

    for my $line (@lines) {
        my @values = split /\t/, $line, -1;
        my %row;

        @values == @names or die "$path: not @{[scalar @names]} columns: "
            . "$line\n";
        @row{@names} = map { $_ eq '-' ? '' : $_ } @values;
        $row{where} = $path;
        push @rows, \%row;
    }

    return @rows;
}


# A standard's own rows over the rows of its base, in the base's order.

sub merge {
    my ($base, @own) = @_;

    return map { field($_) } @own unless $base;

    my %over = map { ($_->{replaces} || name_of($_)) => $_ } @own;
    my @rows;

    for my $row (@$base) {
        my $over = delete $over{ name_of($row) };

        if (!$over) {
            push @rows, $row;
            next;
        }

        my $merged = field(weaker($row, $over));
        push @rows, $merged unless $merged->{required} eq 'dropped';
    }

    die "no such field in the base: @{[sort keys %over]}\n" if %over;

    return @rows;
}


# What is known for certain replaces; what is not can only loosen, so that an
# uncertain fact never refuses a document.

sub weaker {
    my ($base, $over) = @_;

    my %row = (%$base, %$over);

    $row{codes} ||= $base->{codes};
    $row{codes_rule} ||= $base->{codes_rule};

    return \%row if $over->{confidence} eq 'high';

    $row{confidence} = $base->{confidence};
    $row{max_length} = longer($base->{max_length}, $over->{max_length});
    $row{gateway_length} = longer($base->{gateway_length} || 0,
        $over->{gateway_length} || 0) || '';
    $row{required} = $base->{required}
        if $REQUIRED{ $base->{required} } < $REQUIRED{ $over->{required} };

    if ($base->{type} ne $over->{type}) {
        my $both = join '|', sort $base->{type}, $over->{type};

        $row{type} = $both eq 'dt12|dt8' ? 'dt8|dt12' : 's';
        $row{codes} = '';
    }

    return \%row;
}


sub longer {
    my ($a, $b) = @_;

    return 'n' if $a eq 'n' || $b eq 'n';
    return $a > $b ? $a : $b;
}


sub field {
    my ($row) = @_;

    my $at = "$row->{where}: $row->{field}";

    defined $TYPE{ $row->{type} } or die "$at: type $row->{type}\n";
    defined $REQUIRED{ $row->{required} }
        or die "$at: required $row->{required}\n";
    $row->{max_length} =~ /^(?:n|[1-9][0-9]*)$/a
        or die "$at: max_length $row->{max_length}\n";
    ($row->{codes_list} || ';') =~ /^[;,]$/
        or die "$at: codes_list $row->{codes_list}\n";
    $row->{$_} or die "$at: no $_\n" for qw(label_vi label_en confidence);

    return $row;
}


# --- what follows from a row ------------------------------------------------


sub name_of {
    my ($row) = @_;

    return $row->{field} =~ s{.*/}{}r;
}


# Characters beyond which it is an error; the partner's own check is sometimes
# wider than the annex and decides what is really refused.

sub longest {
    my ($row) = @_;

    my $wide = $row->{gateway_length} || 0;

    return 0 if $row->{max_length} eq 'n' || $wide eq 'n';
    return $wide > $row->{max_length} ? $wide : $row->{max_length};
}


sub official {
    my ($row) = @_;

    my $longest = longest($row);

    return 0 if $row->{max_length} eq 'n';
    return $row->{max_length} if !$longest || $longest > $row->{max_length};
    return 0;
}


sub is_strict {
    my ($section, $row) = @_;

    return $section->{checked} eq 'full' && $row->{confidence} eq 'high';
}


# The field may be sure and its list of codes not.

sub is_strict_code {
    my ($section, $row) = @_;

    return is_strict($section, $row)
        && ($row->{codes_confidence} || 'high') eq 'high';
}


# The name of a standard as part of a C name.

sub symbol {
    my ($name) = @_;

    return $name =~ tr/-/_/r;
}


# --- ids --------------------------------------------------------------------
#
# A field has one id in all standards, so that a validator reads the rows of
# any of them.  The digest says whether host and plugin mean the same ids.

sub number_fields {
    my ($standards, $sections, $tables) = @_;

    for my $id (0 .. $#$sections) {
        my $section = $sections->[$id];
        my (%id, @names);

        for my $standard (map { $_->{standard} } @$standards) {
            my $rows = $tables->{$standard}{ $section->{section} } || [];

            for my $name (map { name_of($_) } @$rows) {
                next if defined $id{$name};

                $id{$name} = @names;
                push @names, $name;
            }
        }

        @names <= FIELDS_MAX or die "$section->{section}: too many fields\n";

        $section->{id}     = $id;
        $section->{id_of}  = \%id;
        $section->{fields} = \@names;
    }
}


sub field_ids {
    my ($sections) = @_;

    my $ids = join "\n",
        map { join ' ', $_->{section}, @{ $_->{fields} } } @$sections;
    my $c = <<"END";
/* Generated from conf/standards/ by generate.pl: do not edit. */

#ifndef EHR_FIELDS_H
#define EHR_FIELDS_H


#define EHR_FIELDS_DIGEST  0x@{[substr sha256_hex($ids), 0, 16]}ULL


enum {
END

    $c .= "    EHR_SECTION_$_->{section} = $_->{id},\n" for @$sections;
    $c .= "    EHR_SECTION_LAST\n};\n";

    for my $section (@$sections) {
        my $name = $section->{section};

        $c .= "\n\nenum {\n";
        $c .= "    EHR_${name}_$_ = $section->{id_of}{$_},\n"
            for @{ $section->{fields} };
        $c .= "    EHR_${name}_LAST\n};\n";
    }

    return "$c\n\n#endif /* EHR_FIELDS_H */\n";
}


# --- C ----------------------------------------------------------------------


sub header {
    return <<'END';
/* Generated from conf/standards/ by generate.pl: do not edit. */

#ifndef EHR_TABLES_H
#define EHR_TABLES_H


#include "ehr_fields.h"
#include "ehr_table.h"


#endif /* EHR_TABLES_H */
END
}


sub source {
    my ($standards, $sections, $tables) = @_;

    my $c = "/* Generated from conf/standards/ by generate.pl: "
        . "do not edit. */\n\n#include \"ehr_tables.h\"\n";
    my %seen;

    $c .= names($_) for @$sections;

    for my $standard (map { $_->{standard} } @$standards) {
        my @rows;

        for my $section (@$sections) {
            my $rows = $tables->{$standard}{ $section->{section} } or next;
            my $text = fields($section, $rows);

            # A section that a standard did not change is shared.
            if (!$seen{$text}) {
                $seen{$text} = symbol($standard) . '_'
                    . lc $section->{section};
                $c .= arrays($seen{$text}, $text, $rows);
            }

            push @rows, section_row($section, $seen{$text}, scalar @$rows,
                scalar @rows);
        }

        $c .= "\n\nstatic const ehr_section_table_t  "
            . symbol($standard) . "_sections[] = {\n" . join('', @rows)
            . "};\n";
    }

    $c .= "\n\nconst ehr_standard_t  ehr_standards[] = {\n";
    $c .= sprintf "    { %s, %d, %s_sections,\n"
        . "      sizeof(%s_sections) / sizeof(%s_sections[0]) },\n",
        quoted($_->{standard}), $_->{valid_from}, (symbol($_->{standard})) x 3
        for @$standards;

    return $c . "};\n\n\nconst uint32_t  ehr_nstandards = "
        . scalar(@$standards) . ";\n";
}


sub fields {
    my ($section, $rows) = @_;

    my $c = '';

    for my $row (@$rows) {
        my $name = name_of($row);

        $c .= sprintf "    { %s, %s,\n      %s,\n      { %s,\n        %s },\n"
            . "      %s, %s, %d, %d, %d, EHR_FIELD_%s,\n"
            . "      EHR_REQUIRED_%s, %s, EHR_SEVERITY_%s,\n"
            . "      EHR_%s_%s, EHR_SEVERITY_%s, %s },\n",
            quoted($name), quoted($row->{field}),
            quoted(lc "$section->{section}.$name"),
            quoted($row->{label_vi}), quoted($row->{label_en}),
            $row->{codes} ne '' ? quoted($row->{codes}) : 'NULL',
            $row->{codes} ne '' ? quoted($row->{codes_rule}) : 'NULL',
            longest($row), official($row), length $name,
            $TYPE{ $row->{type} },
            $REQUIRED_NAME[ $REQUIRED{ $row->{required} } ],
            role($section, $name),
            is_strict($section, $row) ? 'ERROR' : 'WARNING',
            $section->{section}, $name,
            is_strict_code($section, $row) ? 'ERROR' : 'WARNING',
            $row->{codes_list} ? "'$row->{codes_list}'" : 0;
    }

    return $c;
}


# The names of a section's fields by their ids.

sub names {
    my ($section) = @_;

    my $symbol = lc "$section->{section}_names";

    return "\n\nstatic const ehr_str_t  ${symbol}[] = {\n"
        . join('', map { "    ehr_string(\"$_\"),\n" }
            @{ $section->{fields} })
        . "};\n";
}


sub role {
    my ($section, $name) = @_;

    return 'EHR_ROLE_NUMBER'
        if $name eq $section->{key} && $section->{inside} eq 'voucher';
    return 'EHR_ROLE_KEY'      if $name eq $section->{key};
    return 'EHR_ROLE_FACILITY' if $name eq $section->{facility};
    return 'EHR_ROLE_NONE';
}


sub arrays {
    my ($symbol, $text, $rows) = @_;

    my @names  = map { name_of($_) } @$rows;
    my @sorted = sort { $names[$a] cmp $names[$b] } 0 .. $#names;

    $names[ $sorted[$_] ] ne $names[ $sorted[ $_ - 1 ] ]
        or die "$symbol: $names[$sorted[$_]] twice\n"
        for 1 .. $#sorted;

    my $c = "\n\nstatic const ehr_field_t  ${symbol}_fields[] = {\n$text};"
        . "\n\n\nstatic const uint8_t  ${symbol}_sorted[] = {";

    for my $i (0 .. $#sorted) {
        $c .= ($i % 16 ? ' ' : "\n    ") . "$sorted[$i],";
    }

    return "$c\n};\n";
}


sub section_row {
    my ($section, $symbol, $nfields, $order) = @_;

    return sprintf "    { %s, %s,\n      { %s,\n        %s },\n"
        . "      %s,\n      %s,\n      %s,\n      %s, EHR_KIND_%s, %d,\n"
        . "      EHR_SEVERITY_%s, %d,\n"
        . "      %s_fields, %d, %s_sorted,\n"
        . "      EHR_SECTION_%s, EHR_%s_LAST, %s_names, %d },\n",
        quoted($section->{section}), quoted(lc $section->{section}),
        quoted($section->{label_vi}), quoted($section->{label_en}),
        quoted($section->{root}), quoted($section->{list}),
        quoted($section->{row}),
        quoted($section->{date} && "<$section->{date}>"),
        uc($section->{kind} || 'unknown'),
        $section->{inside} =~ /^(?:claim|voucher)$/ ? 1 : 0,
        $section->{checked} eq 'full' ? 'ERROR' : 'WARNING', $order,
        $symbol, $nfields, $symbol, ($section->{section}) x 2,
        lc $section->{section}, $section->{inside} eq 'json';
}


sub quoted {
    my ($text) = @_;

    return 'NULL' if $text eq '';

    $text =~ s/([\\"])/\\$1/g;

    return qq{"$text"};
}


# --- XML Schema -------------------------------------------------------------
#
# Says what the C check calls an error, for elements of the official names:
# one of each, in any order.


sub schema {
    my ($section, $rows) = @_;

    my $body = $rows->[0]{field} =~ m{/}
        ? envelope($section, $rows)
        : section($section, $rows);

    return qq{<?xml version="1.0" encoding="UTF-8"?>\n}
        . "<!-- Generated from conf/standards/ by generate.pl -->\n"
        . qq{<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">\n}
        . $body . "</xs:schema>\n";
}


sub section {
    my ($section, $rows) = @_;

    my $row = "<xs:complexType>\n<xs:all>\n"
        . join('', map { element($section, $_) } @$rows)
        . "</xs:all>\n</xs:complexType>\n";

    return qq{<xs:element name="$section->{root}">\n$row</xs:element>\n}
        unless $section->{row};

    my $signature = $section->{kind}
        ? qq{<xs:element name="CHUKYDONVI" minOccurs="0"/>\n}
        : '';

    # one row that has an Id for the signature
    return qq{<xs:element name="$section->{root}">\n}
        . "<xs:complexType>\n<xs:sequence>\n"
        . qq{<xs:element name="$section->{row}">\n}
        . $row =~ s{(?=</xs:complexType>\n\z)}
                   {<xs:attribute name="Id" type="xs:string"/>\n}r
        . "</xs:element>\n$signature</xs:sequence>\n</xs:complexType>\n"
        . "</xs:element>\n"
        unless $section->{list};

    return qq{<xs:element name="$section->{root}">\n}
        . "<xs:complexType>\n<xs:sequence>\n"
        . qq{<xs:element name="$section->{list}">\n}
        . "<xs:complexType>\n<xs:sequence>\n"
        . qq{<xs:element name="$section->{row}" maxOccurs="unbounded">\n}
        . "$row</xs:element>\n"
        . "</xs:sequence>\n</xs:complexType>\n</xs:element>\n"
        . "$signature</xs:sequence>\n</xs:complexType>\n</xs:element>\n";
}


sub element {
    my ($section, $row) = @_;

    my $must = is_strict($section, $row) && $row->{required} eq 'yes';

    return sprintf qq{<xs:element name="%s"%s>\n%s</xs:element>\n},
        name_of($row), $must ? '' : ' minOccurs="0"',
        simple($section, $row, $must);
}


# An empty value is allowed unless the field must be filled.

sub simple {
    my ($section, $row, $must) = @_;

    my @facets;

    if (is_strict($section, $row)) {
        @facets = facets($row);

    } elsif ($must) {
        die "$row->{field}: required and not strict\n";
    }

    my $base = 'xs:token';

    for my $facet (@facets) {
        $base = "<xs:simpleType>\n" . restriction($base, $facet)
            . "</xs:simpleType>\n";
    }

    if ($must) {
        return "<xs:simpleType>\n"
            . restriction($base, qq{<xs:minLength value="1"/>})
            . "</xs:simpleType>\n";
    }

    return "<xs:simpleType>\n" . restriction($base, '') . "</xs:simpleType>\n"
        if $base eq 'xs:token';

    return "<xs:simpleType>\n<xs:union>\n$base"
        . "<xs:simpleType>\n"
        . restriction('xs:token', qq{<xs:length value="0"/>})
        . "</xs:simpleType>\n</xs:union>\n</xs:simpleType>\n";
}


sub restriction {
    my ($base, $facet) = @_;

    return qq{<xs:restriction base="$base">\n$facet\n</xs:restriction>\n}
        if $base =~ /^xs:/;

    return "<xs:restriction>\n$base$facet\n</xs:restriction>\n";
}


# In the order of derivation: all of them hold.

sub facets {
    my ($row) = @_;

    my @facets;
    my $longest = longest($row);

    if (my $pattern = $PATTERN{ $row->{type} }) {
        push @facets, qq{<xs:pattern value="$pattern"/>};
    }

    if ($longest && $row->{type} eq 'n') {
        push @facets, qq{<xs:pattern value="-?([0-9]\\.?){1,$longest}"/>};

    } elsif ($longest && $row->{type} eq 's') {
        push @facets, qq{<xs:maxLength value="$longest"/>};
    }

    if ($row->{codes} ne '' && ($row->{codes_confidence} || 'high') eq 'high')
    {
        push @facets, code_facet($row);
    }

    return @facets;
}


sub code_facet {
    my ($row) = @_;

    my @codes = split / /, $row->{codes};

    return join "\n", map { qq{<xs:enumeration value="$_"/>} } @codes
        unless $row->{codes_list};

    my $one = '(' . join('|', map { s/([.\\])/\\$1/gr } @codes) . ')';

    return qq{<xs:pattern value="$one($row->{codes_list}$one)*"/>};
}


# Fields of the envelope are paths; the row element repeats.

sub envelope {
    my ($section, $rows) = @_;

    my $tree = { name => $section->{root}, children => [] };

    for my $row (@$rows) {
        my @path = split m{/}, $row->{field};
        my $node = $tree;

        for my $name (@path) {
            my ($next) = grep { $_->{name} eq $name } @{ $node->{children} };

            if (!$next) {
                $next = { name => $name, children => [] };
                push @{ $node->{children} }, $next;
            }

            $node = $next;
        }

        $node->{row} = $row;
    }

    return node($section, $tree);
}


sub node {
    my ($section, $node) = @_;

    # a file of vouchers may hold several records, a claim is one
    my $many = $node->{name} eq $section->{row}
        || $node->{name} eq 'HOSO' && $section->{kind} eq 'voucher'
        ? ' maxOccurs="unbounded"'
        : '';

    if (my $row = $node->{row}) {
        return qq{<xs:element name="$node->{name}" minOccurs="0"/>\n}
            unless is_strict($section, $row);

        return element($section, $row);
    }

    return qq{<xs:element name="$node->{name}"$many>\n}
        . "<xs:complexType>\n<xs:sequence>\n"
        . join('', map { node($section, $_) } @{ $node->{children} })
        . "</xs:sequence>\n<xs:attribute name=\"Id\" type=\"xs:string\"/>\n"
        . "</xs:complexType>\n</xs:element>\n";
}


# --- pages ------------------------------------------------------------------


sub write_pages {
    my ($all) = @_;

    my %page;

    for my $standard (@{ $all->{standards} }) {
        my $name = $standard->{standard};

        make_path("$pages/$name");

        for my $section (@{ $all->{sections} }) {
            my $rows = $all->{tables}{$name}{ $section->{section} } or next;
            my $own  = "$in/$name/$section->{section}.tsv";

            if (!-e $own) {
                # taken over unchanged: the base's page
                $page{$name}{ $section->{section} }
                    = "$standard->{base}/$section->{section}.md";
                next;
            }

            $page{$name}{ $section->{section} }
                = "$name/$section->{section}.md";
            write_file("$pages/$name/$section->{section}.md",
                page($standard, $section, $rows));
        }
    }

    write_file("$pages/README.md", index_page($all, \%page));
}


sub index_page {
    my ($all, $page) = @_;

    my $text = <<'END';
# Field tables

Made from `conf/standards/` by `make pages`. A document is read by the newest
standard that knows its kind and had begun on the document's own day; a
facility's setting goes before it. Severity in the tables is what a finding
has without a setting: `error` refuses, `warning` is told.
END

    for my $standard (@{ $all->{standards} }) {
        my $name = $standard->{standard};

        $text .= "\n## $name\n\n$standard->{source}.\n\n"
            . 'Valid from ' . day($standard->{valid_from})
            . ($standard->{valid_until}
            ? ' until ' . day($standard->{valid_until}) : '')
            . "; confidence $standard->{confidence}"
            . ($standard->{base} ? "; changes `$standard->{base}`" : '')
            . ".\n\n| table | Vietnamese | English | fields |\n"
            . "|---|---|---|---|\n";

        for my $section (@{ $all->{sections} }) {
            my $rows = $all->{tables}{$name}{ $section->{section} } or next;

            $text .= "| [$section->{section}]"
                . "($page->{$name}{ $section->{section} }) "
                . "| $section->{label_vi} | $section->{label_en} | "
                . scalar(@$rows) . " |\n";
        }
    }

    return $text;
}


sub day {
    my ($date) = @_;

    return $date =~ s/^(\d{4})(\d\d)(\d\d)$/$1-$2-$3/r;
}


sub page {
    my ($standard, $section, $rows) = @_;

    my $text = "# $section->{section}: $section->{label_vi}\n\n"
        . "$section->{label_en}, standard `$standard->{standard}`. "
        . place($section) . "\n\n"
        . "| | field | Vietnamese | English | type | length | must | codes "
        . "| severity | meaning | source |\n"
        . "|---|---|---|---|---|---|---|---|---|---|---|\n";
    my $n = 0;

    for my $row (@$rows) {
        $n++;
        $text .= '| ' . join(' | ', map { s/\|/\\|/gr } $n,
            "`$row->{field}`", $row->{label_vi}, $row->{label_en},
            type_words($row->{type}), length_words($row),
            must_words($row->{required}), code_words($section, $row),
            is_strict($section, $row) ? 'error' : 'warning',
            escaped($row->{meaning}), escaped($row->{source})) . " |\n";
    }

    return $text;
}


sub place {
    my ($section) = @_;

    return 'JSON: ' . ($section->{list}
        ? "the objects of `$section->{list}`."
        : 'the members of the document.')
        if $section->{inside} eq 'json';

    return "Elements of `$section->{root}`."
        unless $section->{row};

    return "Paths below `$section->{root}`; `$section->{row}` repeats."
        if !$section->{list} && $section->{row} eq 'FILEHOSO';

    return 'Elements of `' . join('/', grep { $_ } $section->{root},
        $section->{list}, $section->{row}) . '`'
        . ($section->{list} ? ', which repeats.' : ', one in a document.');
}


sub type_words {
    my ($type) = @_;

    my %words = (
        's'        => 'text',
        'sb'       => 'text, in bytes',
        'n'        => 'number',
        'dt8'      => 'yyyyMMdd',
        'dt12'     => 'yyyyMMddHHmm',
        'dt14'     => 'yyyyMMddHHmmss',
        'dt8|dt12' => 'yyyyMMdd or yyyyMMddHHmm',
        'birth'    => 'yyyyMMddHHmm, MMdd may be 0000',
        'day'      => 'yyyyMMdd or yyyy',
        'dmy'      => 'dd/MM/yyyy',
        'b64'      => 'Base64',
    );

    return $words{$type};
}


sub length_words {
    my ($row) = @_;

    my ($longest, $official) = (longest($row), official($row));

    return '' unless $longest || $official;
    return "$official (told)" unless $longest;
    return $official ? "$longest (told above $official)" : $longest;
}


sub must_words {
    my ($required) = @_;

    return $required eq 'conditional' ? 'depends' : $required;
}


sub code_words {
    my ($section, $row) = @_;

    return '' if $row->{codes} eq '';
    return join(' ', map { "`$_`" } split / /, $row->{codes})
        . ($row->{codes_list} ? ", several by `$row->{codes_list}`" : '')
        . (is_strict($section, $row) && !is_strict_code($section, $row)
        ? ' (told)' : '');
}


sub escaped {
    my ($text) = @_;

    return $text =~ s/([<>])/\\$1/gr;
}


# --- writing ----------------------------------------------------------------


sub write_file {
    my ($path, $text) = @_;

    open my $file, '>:raw', "$path.new" or die "$path.new: $!\n";
    print {$file} $text or die "$path.new: $!\n";
    close $file or die "$path.new: $!\n";
    rename "$path.new", $path or die "$path: $!\n";
}
