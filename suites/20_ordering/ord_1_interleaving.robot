*** Settings ***
Documentation     *ORD-1 Per-conversation order under concurrent interleaving.* With many senders interleaving in many
...               conversations, each (conversation, sender) stream arrives in send order, server sequence numbers are
...               strictly increasing without gaps, and every device of a conversation sees the same total order.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         ord-1    p0    ordering


*** Test Cases ***
Many conversations interleave and each keeps its order on every device
    Given 8 people are online on phone and tablet
    When all of them send 2100 messages across 20 conversations at the same time
    And every send is acknowledged
    Then every message is accounted for
