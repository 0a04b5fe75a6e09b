*** Settings ***
Documentation     Traffic at all nodes, nodes that die and come back, and links that are given up and used again.

Library           WaybillLibrary.Nodes
Library           WaybillLibrary.Partitions
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    many_nodes=True    faulty_links=True
Suite Teardown    Stop Target
Test Setup        Begin With Everybody
Test Teardown     End Scenario
Test Timeout      120 seconds


*** Test Cases ***
Everybody sends at once and holds everything
    Send From Every Device    messages=10
    Wait Until Everybody Holds Everything
    Check History
    Figure Should Be    acknowledged    60
    Figure Should Be    nodes    3

A send that gets no outcome is a finding
    Pause Server    north
    Run Keyword And Expect Error    *: alice*    Send From Every Device    messages=1    deadline=500ms
    Resume Server    north

Whoever lacks a message is named
    [Setup]    Begin
    The Server Misbehaves    DROP    every=3
    Connect People    alice, bob and carol    devices=phone and tablet
    Send From Every Device    messages=5
    Run Keyword And Expect Error    DeadlinePassed: *
    ...    Wait Until Everybody Holds Everything    deadline=500ms
    Run Keyword And Expect Error    *gap (*    Check History    deadline=500ms

What a node took while it was cut off outlives its death
    Split Nodes    ISOLATED
    Send From Every Device    messages=10
    Restart Cut Off Node
    Heal Network
    Wait Until Everybody Holds Everything
    Check History
    Figure Should Be    acknowledged    60
    Figure Should Be    kills    1

A node that is not cut off is not restarted as one that is
    Run Keyword And Expect Error    No node is cut off from all others; cut one off first.    Restart Cut Off Node
    Split Nodes    ONE WAY
    Run Keyword And Expect Error    No node is cut off from all others; cut one off first.    Restart Cut Off Node
    Heal Network
    Check History
    Figure Should Be    kills    0

The node of a person, or of one of their devices, is cut off
    FOR    ${whose}    IN    bob    bob/tablet
        Cut Off Node Of    ${whose}
        Node Of Should Be Alone    ${whose}
        Send From Every Device    messages=2
        Heal Network
    END
    Wait Until Everybody Holds Everything
    Check History
    Figure Should Be    faults    2

No second node is cut off before the network heals
    Cut Off Node Of    bob
    Run Keyword And Expect Error
    ...    There is a partition already; heal the network first.
    ...    Cut Off Node Of
    ...    bob/tablet
    Send From Every Device    messages=1
    Heal Network
    Check History

Nodes die in turn and their clients go on
    Fail Over    times=2
    Check History
    Figure Should Be    kills    2

The death of a node that nobody was at shows nothing
    Fail Over    times=1
    Run Keyword And Expect Error    FaultWithoutEffect: Nobody was at north, so its death shows nothing.
    ...    Fail Over    times=1
    Check History

Clients that go on too late are a finding
    The Target Promises    recovery_bound    1ms
    Run Keyword And Expect Error    DeadlinePassed: *    Fail Over    times=1
    The Target Promises    recovery_bound    10s
    Start Server    north

A breaker opens for every trouble and closes again
    FOR    ${trouble}    IN    IS DEAD    IS SLOW    IS OUT OF REACH
        Trip Breaker    ${trouble}    messages=3
    END
    Wait Until Everybody Holds Everything
    Check History
    Figure Should Be    trips    3


*** Keywords ***
Begin With Everybody
    [Documentation]    Three people at all nodes.
    Begin
    Connect People    alice, bob and carol    devices=phone and tablet

Node Of Should Be Alone
    [Documentation]    It sees nobody.
    [Arguments]    ${whose}
    ${expected}=    Evaluate    WaybillLibrary.stage.scenario().device($whose).node    modules=WaybillLibrary.stage
    ${alone}=    Evaluate    WaybillLibrary.stage.partitions().alone    modules=WaybillLibrary.stage
    Should Be Equal    ${alone}    ${expected}
