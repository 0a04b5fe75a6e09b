*** Settings ***
Documentation     The check of a scenario's history finds what is wrong and names it.

Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A clean history passes
    Connect People    alice and bob
    Send Messages    alice    bob    count=50
    Wait Until Acknowledged
    Check History

A dropped delivery leaves a gap
    Defect Should Be Found    DROP    gap

A delivery that comes twice is a duplicate
    Defect Should Be Found    DUPLICATE    duplicate-delivered

Deliveries that change places make devices disagree
    Defect Should Be Found    SWAP    order-divergence

A changed body is corrupted
    Defect Should Be Found    CORRUPT    corrupted

A message that nobody sent is a phantom
    Defect Should Be Found    INVENT    phantom

An acknowledged message that was thrown away is lost
    Defect Should Be Found    SWALLOW    lost-acked

An acknowledgement that names another send is noticed
    Defect Should Be Found    WRONG ACK    duplicate-accepted|inconsistent-id|id-regression

A history without any device cannot be judged
    Run Keyword And Expect Error    *has no history: no device was ever connected.    Check History

A second scenario inside a scenario is refused
    Run Keyword And Expect Error    A scenario is running already;*    Begin Scenario

Ending a scenario twice is harmless
    Connect People    alice
    End Scenario
    End Scenario


*** Keywords ***
Defect Should Be Found
    [Documentation]    Traffic through a server with this defect ends in a finding of one of these kinds.
    [Arguments]    ${defect}    ${anomaly}
    The Server Misbehaves    ${defect}    every=9
    Connect People    alice and bob
    Send Messages    alice    bob    count=100
    Wait Until Acknowledged
    ${message} =    Run Keyword And Expect Error    *    Check History    deadline=2 seconds
    Should Match Regexp    ${message}    (?m)^(${anomaly}) \\(\\d+\\): .*(alice|bob)
