*** Settings ***
Documentation     Nodes are cut off from each other in every shape, the network heals, and both are in the history.

Library           WaybillLibrary.Partitions
Library           Chatting
Resource          ../../keywords/partitions.resource
Resource          ../common.resource

Suite Setup       Start Chatting Target    north    south    east    west
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A network falls apart in every shape and heals
    Given The nodes are split into halves
    And The network heals
    And The nodes are split but for a bridge
    And The network heals link by link
    And The nodes are left in a ring
    And The network heals link by link
    And north is cut off from the others
    And The network heals
    And south hears nobody
    And The network heals
    And Nobody hears east
    And The network heals
    Then Check History
    And Partitions Should Have Been    halves    bridge    ring    isolated    one-way    one-way

A loose contact is as many partitions
    The network falls into halves and heals 3 times
    Check History
    Partitions Should Have Been    halves    halves    halves

A partition that nobody healed is healed in the end
    Cut Off Node    north
    Check History
    Partitions Should Have Been    isolated

A network that is sound has no partition to heal
    The network heals
    The nodes are split into halves
    Run Keyword And Expect Error    There is a partition already; heal the network first.    Cut Off Node    north
    Check History
    Partitions Should Have Been    halves

A node that is none is named with those that are
    Run Keyword And Expect Error    ValueError: There is no node 'nort'. Nodes: north, south, east, west.
    ...    Cut Off Node    nort

A partition that nobody met proves nothing
    End Scenario
    Stop Target
    Start Chatting Target    north    south
    Begin
    Kill Server    north
    Kill Server    south
    The nodes are split into halves
    Run Keyword And Expect Error    FaultWithoutEffect: No node said anything within 0.2 s*
    ...    Heal Network    deadline=200ms
    [Teardown]    Run Keywords    End Scenario    AND    Stop Target

A target that does not tell how its nodes reach each other says so
    [Setup]    Stop Target
    Start Target    reference    faulty_links=True
    Begin
    Run Keyword And Expect Error    MeansMissing: The nodes of reference cannot be cut off from each other*{link.NODE}*
    ...    The nodes are split into halves
    [Teardown]    Run Keywords    End Scenario    AND    Stop Target


*** Keywords ***
Partitions Should Have Been
    [Documentation]    Each with its effect and its end, in this order.
    [Arguments]    @{shapes}
    ${partitions}=    Partitions In History
    Should Be Equal    ${partitions}    ${shapes}
    ${figures}=    Evaluate    WaybillLibrary.current.case.figures    modules=WaybillLibrary.current
    Length Should Be    ${shapes}    ${figures}[faults]
