#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The field tables and what is made of them: pages that are current, schemas
# that are well-formed, labels in both languages, samples that are their own
# proof.

use strict;
use warnings;
use utf8;

use File::Find qw(find);
use File::Temp qw(tempdir);
use Test::More;

use EHR::Util qw(build top);

my $dir    = tempdir(CLEANUP => 1);
my $tables = top() . "/conf/standards";

sub slurp {
    my ($path) = @_;

    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;

    return scalar <$file>;
}


sub files {
    my ($under, $ending) = @_;
    my @found;

    find({ no_chdir => 1, wanted => sub {
        push @found, substr $_, length("$under/") if m{\Q$ending\E\z};
    } }, $under);

    return sort @found;
}


sub rows {
    my ($path) = @_;

    my @lines = split /\n/, slurp($path);
    my @names = split /\t/, shift @lines;

    return map {
        my %row;
        @row{@names} = split /\t/, $_, -1;
        \%row;
    } @lines;
}

is system($^X, "$tables/generate.pl", "--standards", $tables, "--out",
    "$dir/gen", "--xsd", "$dir/xsd", "--pages", "$dir/pages"), 0,
    "the tables can be read";

subtest "pages" => sub {
    my @made = files("$dir/pages", ".md");

    is_deeply [files(top() . "/docs/standards", ".md")], \@made,
        "one for each table, and no other";

    my @old = grep {
        slurp("$dir/pages/$_") ne slurp(top() . "/docs/standards/$_")
    } @made;

    is_deeply \@old, [], "all are current (make pages)";
};

subtest "what is built is what is made" => sub {
    for my $name ("ehr_tables.c", "ehr_fields.h") {
        is slurp("$dir/gen/$name"), slurp(build() . "/gen/$name"), $name;
    }
};

subtest "schemas" => sub {
    my @schemas = files("$dir/xsd", ".xsd");

    cmp_ok scalar(@schemas), '>', 40, "there are many";
    is system("xmllint", "--noout", map { "$dir/xsd/$_" } @schemas), 0,
        "all are well-formed";

    my %sample = (
        "qd3176/CHECKIN"             => "checkin-99001.xml",
        "qd3176/XML12"               => "medical-assessment-99001.xml",
        "qd3176/XML13"               => "sample-xml13.xml",
        "qd3176/XML14"               => "sample-xml14.xml",
        "qd3176/XML15"               => "sample-xml15.xml",
        "qd3176/XML6"                => "sample-xml6.xml",
        "qd3176/XML9"                => "sample-xml9.xml",
        "qd3176/XML10"               => "sample-xml10.xml",
        "qd3176/XML11"               => "sample-xml11.xml",
        "civil-registration/HSDLGCS" => "birth-99001.xml",
        "civil-registration/HSDLGBT" => "death-99001.xml",
        "vouchers/CT03"              => "sample-ct03.xml",
        "driver-exam/SIGNDATA"       => "driver-exam-99001.xml",
    );

    for my $name (sort keys %sample) {
        my $command = "xmllint --noout --nonet --schema "
            . "'$dir/xsd/$name.xsd' '" . top()
            . "/t/samples/$sample{$name}' 2>&1";
        my $said = `$command`;

        is $?, 0, "$sample{$name} is valid by $name" or diag $said;
    }
};

subtest "every field" => sub {
    my (@bare, @strange);

    for my $path (grep { m{/} } files($tables, ".tsv")) {
        for my $row (rows("$tables/$path")) {
            push @bare, "$path $row->{field}"
                if grep { ($row->{$_} // '-') eq '-' }
                qw(label_vi label_en meaning source);
            push @strange, "$path $row->{field}"
                unless $row->{confidence} =~ /^(?:high|medium|low)$/;
        }
    }

    is_deeply \@bare, [], "has labels in both languages, and a source";
    is_deeply \@strange, [], "says how sure it is";
};

subtest "standards" => sub {
    for my $row (rows("$tables/standards.tsv")) {
        ok -d "$tables/$row->{standard}", "$row->{standard} has its folder";
        like $row->{valid_from}, qr/^20\d{6}$/, "and a first day";
    }
};

done_testing();
