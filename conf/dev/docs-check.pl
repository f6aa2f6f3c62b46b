#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The documents list what the code has, and the code has what they list:
# directives with their contexts, variables, problems, metrics, targets of the
# Makefile, verbs of ehrctl, findings with their rules, reasons of the
# courier.  Links and names of files of this repository lead somewhere.  It
# reads text; whether a sentence is true is for people to see.
#
# Prints one line for each fault; status 0 when there is none.  With --write it
# first brings the table of findings in docs/findings.md up to date.

use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);
use File::Find qw(find);

my $top = dirname(__FILE__) . "/../..";
my $faults = 0;

binmode(STDOUT, ":utf8");

my $literal = qr/"(?:[^"\\]|\\.)*"/;


sub complain {
    print("$_[0]\n");
    $faults++;
}

sub text {
    my ($path) = @_;

    open(my $file, "<:encoding(UTF-8)", "$top/$path")
        or do { complain("$path: $!"); return "" };
    local $/;

    return scalar(<$file>);
}

sub sources {
    my ($folder, $ending) = @_;
    my @found;

    find({ no_chdir => 1, wanted => sub {
        push @found, substr($File::Find::name, length("$top/"))
            if -f && /$ending$/;
    } }, "$top/$folder");

    return sort @found;
}

# Two sets of names: what only one of them has is a fault.

sub compare {
    my ($what, $code, $page, $documented) = @_;

    complain("no $what found in the code") if !%$code;

    for my $name (sort keys %$code) {
        if (!exists $documented->{$name}) {
            complain("$page: $what $name is not there");
        } elsif ($documented->{$name} ne $code->{$name}) {
            complain("$page: $what $name: \"$documented->{$name}\","
                     . " in the code \"$code->{$name}\"");
        }
    }

    complain("$page: there is no $what $_")
        for grep { !exists $code->{$_} } sort keys %$documented;
}

# The rows of all tables of a page, each as a list of its cells.

sub rows {
    my ($text) = @_;

    return map { [ map { s/^\s+|\s+$//gr =~ s/\\\|/|/gr }
                       (split(/(?<!\\)\|/, $_, -1))[1 .. tr/|// - 1] ] }
           grep { /^\|/ && !/^\|[-|: ]+\|$/ } split(/\n/, $text);
}

sub code_span {
    return $_[0] =~ /^`([^`]+)`$/ ? $1 : undef;
}

# One string out of C's neighbouring literals.

sub joined {
    return join("", map { substr($_, 1, -1) =~ s/\\(["\\])/$1/gr }
                    $_[0] =~ /$literal/g);
}

# The calls of X in a macro, each as a list of its arguments.

sub macro {
    my ($path, $name) = @_;
    my ($body) = text($path) =~ /^#define \Q$name\E\(X\)(.*?[^\\])\n/ms
        or do { complain("$path: no $name"); return };

    $body =~ s/\s*\\\n\s*/ /g;

    return map { [ /\G\s*((?:$literal\s*)+|\w+)\s*(?:,|$)/g ] }
           $body =~ /\bX\(((?:[^()"]|$literal)*)\)/g;
}


# --- directives and variables ------------------------------------------------

sub check_directives {
    my $page = "docs/directives.md";
    my (%code, %documented, %default);
    my %contexts = (MAIN => "http", SRV => "server", LOC => "location");

    for my $path (sources("ngx_ehr_module", qr/\.c/)) {
        my $text = text($path);

        while ($text =~ /ngx_string\("(ehr_\w+)"\),\s*(NGX_[\w|\s]+?),/g) {
            my ($name, $flags) = ($1, $2);
            my @in = $flags =~ /NGX_HTTP_(MAIN|SRV|LOC)_CONF/g;
            $code{$name} = join(", ", map { $contexts{$_} } @in) if @in;
        }
    }

    for my $part (split(/^### /m, text($page))) {
        my ($name) = $part =~ /^(ehr_\w+)\n/ or next;
        my ($context) = $part =~ /^Context:\s+(.*)$/m;

        complain("$page: $name has no syntax of its own")
            if $part !~ /^Syntax:\s+\Q$name\E\b/m;
        complain("$page: $name has no default") if $part !~ /^Default:/m;
        complain("$page: $name has no example")
            if $part !~ /^```nginx\n.*?\b\Q$name\E\b.*?^```/ms;
        $documented{$name} = $context // "";
    }

    compare("directive", \%code, $page, \%documented);
}

sub check_variables {
    my (%code, %documented);
    my $text = text("ngx_ehr_module/services/ngx_http_ehr_variables.c");

    $code{"\$$1"} = "" while $text =~ /\{ ngx_string\("(ehr_\w+)"\), NULL/g;

    for my $row (rows(text("docs/directives.md"))) {
        my $name = code_span($row->[0]) // "";
        $documented{$name} = "" if $name =~ /^\$ehr_/;
    }

    compare("variable", \%code, "docs/directives.md", \%documented);
}


# --- problems ----------------------------------------------------------------

sub check_problems {
    my $page = "docs/problems.md";
    my (%code, %documented, %is_made, %made);
    my $all = join("", map { text($_) } sources("ngx_ehr_module", qr/\.c/));
    my ($made, $unmade) = split(/^## Not made by this version$/m,
                                text($page), 2);

    for my $row (macro("ngx_ehr_module/core/ehr_problem.h",
                       "EHR_PROBLEM_TABLE"))
    {
        my ($id, $name, $status, @titles) = @$row;

        $name = joined($name);
        $code{$name} = join(" | ", $status, map { joined($_) } @titles);
        $is_made{$name} = "" if $all =~ /\bEHR_PROBLEM_$id\b/;
    }

    for my $row (rows($made . $unmade)) {
        my $name = code_span($row->[0]) // next;
        $documented{$name} = join(" | ", $row->[1],
                                  split(/<br>/, $row->[2]));
    }

    for my $row (rows($made)) {
        my $name = code_span($row->[0]) // next;
        $made{$name} = "";
    }

    compare("problem", \%code, $page, \%documented);
    compare("problem that is made", \%is_made, $page, \%made);
}


# --- findings ----------------------------------------------------------------

# Who decides between error and warning, in words of the page.

my %severity = (
    EHR_SEVERITY_ERROR => "error",
    EHR_SEVERITY_WARNING => "warning",
    EHR_BY_FIELD => "of the field",
    EHR_BY_SECTION => "of the section",
    EHR_BY_CODES => "of the codes",
);

my $findings_begin = "<!-- written by conf/dev/docs-check.pl --write -->\n";
my $findings_end = "<!-- end of what is written -->\n";


sub findings_table {
    my ($rules) = @_;
    my $text = text("ngx_ehr_module/core/ehr_report.c");
    my @lines;

    while ($text =~ /\[EHR_FAULT_\w+(?:\ \+\ \w+)?\]\ =\ \{\s*($literal),\s*
                     ($literal|NULL),\s*\{\s*((?:$literal\s*)+),\s*
                     ((?:$literal\s*)+)\},\s*(\w+)/xg)
    {
        my ($code, $rule, $vi, $en, $by)
            = (joined($1), joined($2), joined($3), joined($4), $5);

        $rules->{$rule} = "" if $rule ne "";
        complain("ehr_report.c: $by has no words") if !$severity{$by};
        $rule = "of the codes" if $rule eq "";
        push @lines, "| `.$code` | $rule | " . ($severity{$by} // "")
                     . " | " . join("<br>", map {
                           s/%s/…/gr =~ s/%u/N/gr =~ s/</&lt;/gr } $vi, $en)
                     . " |\n";
    }

    return join("", "\n| code ends in | rule | severity | sentence |\n",
                "|---|---|---|---|\n", @lines, "\n");
}

sub check_findings {
    my ($is_write) = @_;
    my $page = "docs/findings.md";
    my (%rules, %explained);
    my $table = findings_table(\%rules);
    my $text = text($page);
    my $is_marked = $text =~
        s/(?<=\Q$findings_begin\E)(.*?)(?=\Q$findings_end\E)/$table/s;

    if (!$is_marked) {
        complain("$page: the marks of the written table are missing");
    } elsif ($1 ne $table && !$is_write) {
        complain("$page: the findings are not those of the code; mend it by"
                 . " \"perl conf/dev/docs-check.pl --write\"");
    } elsif ($1 ne $table) {
        open(my $file, ">:encoding(UTF-8)", "$top/$page")
            or die("$page: $!\n");
        print $file $text;
        close($file) or die("$page: $!\n");
    }

    for my $path (sources("conf/standards", qr/\.tsv/)) {
        my ($head, @lines) = split(/\n/, text($path));
        my @names = split(/\t/, $head);
        my ($column) = grep { $names[$_] eq "codes_rule" } 0 .. $#names;

        defined $column or next;
        for my $rule (map { (split(/\t/, $_, -1))[$column] } @lines) {
            $rules{$_} = "" for grep { $_ ne "-" } split(/ /, $rule // "-");
        }
    }

    $page = "conf/standards/README.md";
    my ($section) = text($page) =~ /^## Rules of findings\n(.*?)(?=^## |\z)/ms;

    for my $row (rows($section // "")) {
        $explained{$_} = ""
            for grep { /^[A-Z]/ } split(/[ ,]+/, $row->[0] =~ tr/`//dr);
    }

    compare("rule", \%rules, $page, \%explained);
}


# --- metrics, make, ehrctl ---------------------------------------------------

sub check_metrics {
    my $page = "docs/operations.md";
    my (%code, %documented);

    $code{joined($_->[1]) . " " . joined($_->[2])} = ""
        for macro("ngx_ehr_module/ngx_http_ehr.h", "NGX_HTTP_EHR_COUNTERS");
    $code{joined($_->[1]) . " "} = ""
        for macro("ngx_ehr_module/services/ngx_http_ehr_ops.c",
                  "NGX_HTTP_EHR_GAUGES");

    for my $row (rows((text($page) =~ /^## \/metrics\n(.*?)^## /ms)[0])) {
        my $name = code_span($row->[0]) // next;
        my $labels = $row->[1] =~ /=/ ? $row->[1] =~ tr/`//dr : "";
        $documented{"$name $labels"} = "" if $name =~ /^ehr_/;
    }

    compare("metric", \%code, $page, \%documented);
}

sub check_targets {
    my (%code, %documented);

    %code = map { $_ => "" } text("Makefile") =~ /^#: (\S+) /mg;

    my ($table) = text("README.md") =~ /^(\| make \|.*?)\n\n/ms;

    for my $row (rows($table // "")) {
        my $name = code_span($row->[0]) // next;
        $documented{$name} = "";
    }

    compare("make target", \%code, "README.md", \%documented);
}

sub check_verbs {
    my (%code, %documented);

    my $text = text("ehrctl/args.c");
    $code{ $2 ? "$1 $2" : $1 } = $3
        while $text =~ /^    \{ "(\w+)", "([\w-]*)", "([^"]*)"/mg;

    $text = text("docs/ehrctl.md");
    while ($text =~ /^ehrctl\ ([a-z]+)(?:\ ([a-z-]+)\b)?
                     ((?:\ \[ID\]|\ [A-Z0-9|.]+)*)/mgx) {
        my $name = exists $code{$1} ? "$1" : join(" ", $1, $2 // ());
        my $arguments = $3 =~ s/^ //r;

        $documented{$name} //= $arguments;
    }

    compare("verb of ehrctl", \%code, "docs/ehrctl.md", \%documented);
}


# --- reasons of deliveries ---------------------------------------------------

sub check_reasons {
    my $page = "docs/delivery.md";
    my (%code, %documented);
    my $text = join("", map { text($_) }
                    sources("ngx_ehr_module/courier", qr/\.c/),
                    sources("ngx_ehr_module/stages", qr/\.c/));

    $code{$1} = "" while $text =~ /EHR_OUTCOME_\w+,\s*"([a-z]+\.[a-z-]+)"/g;
    $code{$1} = "" while $text =~ /reason = ehr_str\("([a-z]+\.[a-z-]+)"\)/g;

    my $store = text("ngx_ehr_module/store/ehr_store_sqlite.h");
    $code{$1} = ""
        while $store =~ /^#define EHR_REASON_\w+\s+"([a-z]+\.[a-z-]+)"/mg;

    my ($section) = text($page) =~ /^## Reasons\n(.*?)(?=^## |\z)/ms;

    for my $row (rows($section // "")) {
        my $name = code_span($row->[0]) // next;
        $documented{$name} = "";
    }

    compare("reason", \%code, $page, \%documented);
}


# --- installation ------------------------------------------------------------

# What the configuration loads is what the two guides install.

sub check_installed {
    my $conf = join("", map { text($_) } "conf/nginx.conf",
                    sources("conf/partners", qr/\.conf/));
    my %loaded = map { $_ => 1 } $conf =~ m{plugin=/\S*/(\w+)\.so}g;

    for my $page ("docs/administration.md", "docs/quan-tri.md") {
        my ($list) = text($page)
                     =~ m{install .*build/plugins/\{([\w,]+)\}\.so};
        my %installed = map { $_ => 1 } split(/,/, $list // "");

        compare("plugins that the configuration loads", \%loaded, "$page",
                \%installed);
    }
}


# --- links -------------------------------------------------------------------

sub check_links {
    my @pages = ("README.md", "conf/standards/README.md",
                 sources("docs", qr/\.md/), sources("plugins", qr/\.md/),
                 sources("t/samples", qr/\.md/), sources("t/sim", qr/\.md/));

    for my $page (@pages) {
        my $text = text($page) =~ s/^```.*?^```//msgr;

        for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
            my ($path) = $link =~ /^([^#]*)/;
            next if $link =~ /^[a-z]+:/ || $path eq "";
            complain("$page: the link to $path leads nowhere")
                if !-e "$top/" . dirname($page) . "/$path";
        }

        for my $path ($text =~ m{`((?:t|conf|docs|plugins)/[\w./-]+\.\w+)`}g) {
            complain("$page: there is no file $path") if !-e "$top/$path";
        }
    }
}


check_directives();
check_variables();
check_problems();
check_findings(($ARGV[0] // "") eq "--write");
check_metrics();
check_targets();
check_verbs();
check_reasons();
check_installed();
check_links();

print($faults == 1 ? "1 fault" : "$faults faults", " of the documents\n")
    if $faults;
exit($faults ? 1 : 0);
