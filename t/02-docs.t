#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The documents list what the code has, and nothing else: directives,
# variables, problems, findings, metrics, targets, verbs, reasons; and their
# links lead somewhere.  Each fault that the check finds is a line here.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Util qw(top);


my $check = top() . "/conf/dev/docs-check.pl";

open(my $said, "-|", $^X, $check) or die "cannot run $check: $!";
my @faults = <$said>;
close($said);
my $status = $? >> 8;

chomp(@faults);
fail($_) for @faults;
is($status, 0, "the documents say what the code has");

done_testing();
