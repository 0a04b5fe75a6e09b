*** Settings ***
Documentation    Servers of several nodes that are defective are told by what they do.

Library          WaybillLibrary.Nodes
Resource         ../common.resource

Test Teardown    Run Keywords    End Scenario    AND    Stop Target
Test Timeout     120 seconds


*** Test Cases ***
A breaker that never opens is noticed
    Start With Everybody    breaker-never-opens
    The Target Promises    breaker_bound    1s
    Run Keyword And Expect Error    DeadlinePassed: The breaker of * did not open within 1 s*
    ...    Trip Breaker    IS DEAD    messages=1

A breaker that never closes is noticed
    Start With Everybody    breaker-never-closes
    Run Keyword And Expect Error    DeadlinePassed: The breaker of * did not close within 3 s*
    ...    Trip Breaker    IS DEAD    messages=1    deadline=3s

A cursor that a node does not know of is noticed
    Start With Everybody    failover-resets-cursor
    Send From Every Device    messages=5
    Wait Until Everybody Holds Everything
    Fail Over    times=1
    Run Keyword And Expect Error    *duplicate-delivered*    Check History

A node that lost its data is seen in the log
    Start Target    reference    many_nodes=True
    Begin With Everybody
    Send From Every Device    messages=1
    Forget Everything    south
    ${errors}=    Errors In Logs
    Should Be True    ${errors} > 0


*** Keywords ***
Start With Everybody
    [Documentation]    Three nodes with a defect, and three people at them.
    [Arguments]    ${defect}
    Start Defective Target    ${defect}    target=reference-regions
    Begin With Everybody

Begin With Everybody
    [Documentation]    Three people at all nodes.
    Begin
    Connect People    alice, bob and carol    devices=phone and tablet
