*** Settings ***
Documentation     *OPS-1 Safe restart and recovery.* Through graceful and hard restarts, a second start on the same data, a
...               first start on none and a start on a damaged store every invariant holds: all acknowledged data, no id
...               or sequence used twice, and a clear refusal instead of a silent fresh start.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/restarts.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ops-1    p1    operation


*** Test Cases ***
Restarts, a second start and a damaged store cost nobody what was acknowledged
    Given alice, carol and bob are online
    When the server is restarted 8 times while alice and carol have sends in flight to bob
    And a second server on the same data is refused, and alice goes on writing to bob
    And a start is refused and changes nothing when the largest file of the data is overwritten
    And a start is refused and changes nothing when the largest file of the data is cut
    And a start is refused and changes nothing when the largest file of the data is empty
    And a start is refused and changes nothing when the largest file of the data is missing
    And the server is restarted 2 times while alice and carol have sends in flight to bob
    Then every message is accounted for
